#!/usr/bin/env bash
# Compares the models of `berth forecast` by rolling origin over the last 14 days of two public traces, and writes
# table.txt beside this file:
#   BERTH_DATA=FOLDER experiments/forecast/run.sh
# FOLDER holds nasa95_requests_per_minute.csv.gz and worldcup98_requests_per_minute.csv.gz.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BERTH=${BERTH:-$HERE/../../.build/release/berth}
: "${BERTH_DATA:?the folder of the two traces}"

rates=$(mktemp -d)
trap 'rm -rf "$rates"' EXIT

# evaluate TRACE MINUTES HORIZON ORIGINS [--log]
evaluate() {
    local trace=$1 minutes=$2 horizon=$3 origins=$4
    shift 4
    local file=$rates/$trace-$minutes.csv
    [ -e "$file" ] || python3 "$HERE/rates.py" "$BERTH_DATA/${trace}_requests_per_minute.csv.gz" "$minutes" > "$file"
    echo "# $trace, rates over $minutes minutes${*:+ $*}"
    "$BERTH" forecast "$file" --period $((1440 / minutes)) --horizon "$horizon" --evaluate "$origins" "$@"
    echo
}

{
    for trace in nasa95 worldcup98; do
        for log in '' --log; do
            evaluate "$trace" 60 1 336 ${log:+"$log"}
            evaluate "$trace" 60 24 14 ${log:+"$log"}
        done
    done
    # NASA's long gap takes the dense filter, which is slow at a season of 144.
    for log in '' --log; do
        evaluate worldcup98 10 6 336 ${log:+"$log"}
        evaluate worldcup98 10 144 14 ${log:+"$log"}
    done
} | tee "$HERE/table.txt"
