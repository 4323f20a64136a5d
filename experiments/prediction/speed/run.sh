#!/usr/bin/env bash
# Requests per second of Berth's prediction server and of a Flask service around a scikit-learn forest, in turn, with as many
# trees of the same depth, for the same bodies: one row, and a thousand. Where there is nginx, its constant reply to the bodies of one
# row tells what a request costs on this machine without any prediction.
#   experiments/prediction/speed/run.sh DATASET [ROUNDS]
# README.md beside this file says how the Flask service is installed (PYTHON=, with flask, gunicorn, scikit-learn, h5py).
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DATASET=$(realpath "$1")
ROUNDS=${2:-3}
BERTH=${BERTH:-$HERE/../../../.build/release/berth}
PYTHON=${PYTHON:-$HERE/../../../.venv/bin/python}
export DATASET TREES=${TREES:-100} DEPTH=${DEPTH:-8}

work=$(mktemp -d)
server=''
finish() {
    [ -z "$server" ] || kill "$server" 2> /dev/null || true
    rm -rf "$work"
}
trap finish EXIT

"$PYTHON" "$HERE/bodies.py" "$DATASET" "$work"
printf 'datasets: ["%s"]\npredictor: {kind: forest, trees: %s, depth: %s}\n' "$DATASET" "$TREES" "$DEPTH" > "$work/train.yaml"
# The same bodies again and again: without a cache, so that every answer is computed.
printf 'port: 8689\npredictor: "%s"\ncache: {predictions: {seconds: 0}}\n' "$work/predictor.h5" > "$work/serve.yaml"
"$BERTH" predict train --config "$work/train.yaml" --out "$work/predictor.h5" > "$work/train.log"

# Where Debian has it.
export PATH=$PATH:/usr/sbin
nginx=$(command -v nginx > /dev/null && echo nginx) || echo 'no nginx: left out' >&2
cat > "$work/nginx.conf" << N
daemon off; worker_processes auto; pid $work/nginx.pid; error_log $work/nginx.log;
events {}
http {
    access_log off; keepalive_requests 1000000000;
    client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work; scgi_temp_path $work;
    server { listen 127.0.0.1:8691; location / { return 200 "{}"; } }
}
N

# start NAME: leaves the server's process in $server and waits for its port.
start() {
    case $1 in
    berth) "$BERTH" predict serve --config "$work/serve.yaml" --log error & port=8689 ;;
    flask) (cd "$HERE" && exec "$PYTHON" -m gunicorn --workers 2 --preload --bind 127.0.0.1:8690 --log-level error service:app) & port=8690 ;;
    nginx) nginx -c "$work/nginx.conf" -e "$work/nginx.log" & port=8691 ;;
    esac
    server=$!
    for _ in $(seq 600); do
        if curl -s -o /dev/null "http://127.0.0.1:$port/"; then return; fi
        sleep 0.2
    done
    echo "$1 does not listen" >&2
    exit 1
}

for ((round = 0; round < ROUNDS; round++)); do
    for name in berth flask $nginx; do
        start "$name"
        for kind in one $([ "$name" = nginx ] || echo thousand); do
            path=$([ "$kind" = one ] && echo predict || echo v2/models/latency/infer)
            # The first second warms up.
            wrk -t1 -c4 -d1s -s "$work/$kind.lua" "http://127.0.0.1:$port/$path" > /dev/null
            wrk -t1 -c4 -d8s --latency -s "$work/$kind.lua" "http://127.0.0.1:$port/$path" > "$work/out"
            if grep -q 'Non-2xx' "$work/out"; then cat "$work/out" >&2; exit 1; fi
            awk -v name="$name" -v kind="$kind" -v round="$round" \
                '/^ +99%/ { p99 = $2 ~ /us$/ ? $2 / 1000 : $2 ~ /ms$/ ? $2 + 0 : 1000 * $2 }
                /^Requests\/sec/ { rate = $2 } END { print kind, name, round, rate, p99 }' \
                "$work/out" | tee -a "$work/results"
        done
        kill "$server"
        wait "$server" 2> /dev/null || true
        server=''
    done
done
# figures KIND NAME COLUMN: median [least, most] of the rounds.
figures() {
    awk -v kind="$1" -v name="$2" -v column="$3" '$1 == kind && $2 == name { print $column }' "$work/results" | sort -g \
        | awk '{ value[NR] = $1 } END { printf "%s [%s, %s]", value[int((NR + 1) / 2)], value[1], value[NR] }'
}
echo '| rows in a request | Berth, requests/s | p99, ms | Flask, requests/s | p99, ms | ratio of the medians |'
echo '|---|---|---|---|---|---|'
for kind in one thousand; do
    mine=$(figures "$kind" berth 4)
    theirs=$(figures "$kind" flask 4)
    printf '| %s | %s | %s | %s | %s | %s |\n' "$kind" "$mine" "$(figures "$kind" berth 5)" "$theirs" "$(figures "$kind" flask 5)" \
        "$(awk -v a="${mine%% *}" -v b="${theirs%% *}" 'BEGIN { printf "%.1f", a / b }')"
done
if [ -n "$nginx" ]; then
    echo
    echo "nginx, a constant reply to the same bodies: $(figures one nginx 4) requests/s, p99 $(figures one nginx 5) ms"
fi
