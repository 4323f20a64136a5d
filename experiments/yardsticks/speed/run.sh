#!/usr/bin/env bash
# Steps per second of Berth and of Stable-Baselines3 at the same settings, in turn on one core:
#   experiments/yardsticks/speed/run.sh PYTHON [ROUNDS]
# PYTHON has stable-baselines3==2.9.2, as from
#   python3 -m venv /tmp/sb3 && /tmp/sb3/bin/pip install stable-baselines3==2.9.2
# Prints a table: the median of the rounds of each, their range, and the ratio of the medians.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BERTH=${BERTH:-$HERE/../../../.build/release/berth}
PYTHON=${1:?usage: run.sh PYTHON [ROUNDS]}
ROUNDS=${2:-3}
core=$(($(nproc) - 1))

# The median, the least and the greatest of the numbers in a file.
spread() {
    sort -n "$1" | awk '{ value[NR] = $1 } END { printf "%d %d %d", value[int((NR + 1) / 2)], value[1], value[NR] }'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '%-14s %28s %28s %7s\n' settings 'Berth steps/s' 'Stable-Baselines3 steps/s' ratio
for settings in ppo-8x32:20000 ppo-8x256:20480 ppo-4x128:20480 dqn-256x256:5120 dqn-120x84:10000; do
    name=${settings%:*} steps=${settings#*:}
    for ((round = 0; round < ROUNDS; round++)); do
        # Berth takes ten times as many steps of PPO: what lasts less than a second is not a measurement.
        ours=$steps
        [[ $name == dqn-* ]] || ours=$((10 * steps))
        taskset -c "$core" "$BERTH" bench training --settings "$name" --steps "$ours" \
            | awk 'NR == 2 { gsub(",", "", $3); print $3 }' >> "$work/$name.berth"
        taskset -c "$core" "$PYTHON" "$HERE/stable_baselines3.py" "$name" "$steps" >> "$work/$name.peer"
    done
    read -r mine least most <<< "$(spread "$work/$name.berth")"
    read -r theirs low high <<< "$(spread "$work/$name.peer")"
    printf '%-14s %28s %28s %7s\n' "$name" "$mine [$least, $most]" "$theirs [$low, $high]" \
        "$(awk -v a="$mine" -v b="$theirs" 'BEGIN { printf "%.1f", a / b }')"
done
