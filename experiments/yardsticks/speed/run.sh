#!/usr/bin/env bash
# Steps per second of Berth, Stable-Baselines3 and PureJaxRL at the same settings, in turn on one core:
#   SB3_PYTHON=... JAX_PYTHON=... PUREJAXRL=... experiments/yardsticks/speed/run.sh [ROUNDS]
# README.md beside this file says how the peers are installed; one whose variable is not set is left out. Prints a table:
# the median of the rounds, their range, and the ratio of Berth's median to the peer's.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BERTH=${BERTH:-$HERE/../../../.build/release/berth}
ROUNDS=${1:-5}
core=$(($(nproc) - 1))
# OpenBLAS as it is on its own: an environment may tie it to another processor.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

# The median, the least and the greatest of the numbers in a file.
spread() {
    sort -n "$1" | awk '{ value[NR] = $1 } END { printf "%d %d %d", value[int((NR + 1) / 2)], value[1], value[NR] }'
}

# The cells of a peer: its figures, and the ratio.
cells() {
    if [ -s "$2" ]; then
        local mine theirs low high
        read -r mine _ _ <<< "$(spread "$1")"
        read -r theirs low high <<< "$(spread "$2")"
        printf ' %s [%s, %s] | %s |' "$theirs" "$low" "$high" "$(awk -v a="$mine" -v b="$theirs" 'BEGIN { printf "%.2f", a / b }')"
    else
        printf ' | |'
    fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo '| settings | Berth, steps/s | of the kernels'"'"' bound | Stable-Baselines3 | ratio | PureJaxRL | ratio |'
echo '|---|---|---|---|---|---|---|'
# Each side takes steps for some seconds; what lasts less is not a measurement.
for settings in ppo-8x32:400000:20000 ppo-8x256:800000:20480 ppo-4x128:1600000:20480 dqn-256x256:20000:5120 \
    dqn-120x84:200000:10000; do
    IFS=: read -r name ours theirs <<< "$settings"
    for ((round = 0; round < ROUNDS; round++)); do
        taskset -c "$core" "$BERTH" bench training --settings "$name" --steps "$ours" \
            | awk -v rates="$work/$name.berth" -v bounds="$work/$name.bound" \
                'NR == 2 { gsub(",", "", $3); print $3 >> rates; print $(NF - 1) >> bounds }'
        if [ -n "${SB3_PYTHON:-}" ]; then
            taskset -c "$core" "$SB3_PYTHON" "$HERE/sb3.py" "$name" "$theirs" >> "$work/$name.sb3"
        fi
        if [ -n "${PUREJAXRL:-}" ] && [[ $name == ppo-* ]]; then
            taskset -c "$core" "${JAX_PYTHON:?}" "$HERE/purejaxrl.py" "$PUREJAXRL" "$name" "$ours" >> "$work/$name.jax"
        fi
    done
    read -r mine least most <<< "$(spread "$work/$name.berth")"
    read -r bound _ _ <<< "$(spread "$work/$name.bound")"
    printf '| %s | %s [%s, %s] | %s %% |%s%s\n' "$name" "$mine" "$least" "$most" "$bound" \
        "$(cells "$work/$name.berth" "$work/$name.sb3")" "$(cells "$work/$name.berth" "$work/$name.jax")"
done
