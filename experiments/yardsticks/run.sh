#!/usr/bin/env bash
# Trains with each of the configurations that external figures exist for, over several seeds, two runs at a time, and
# writes results.csv and the curves beside this file and prints the table of README.md:
#   experiments/yardsticks/run.sh [SEEDS]
# It takes about ten minutes for five seeds. Runs that are in runs/yardsticks already are not repeated. The curves need
# gnuplot (Debian: gnuplot-nox).
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.."
BERTH=${BERTH:-.build/release/berth}
SEEDS=${1:-5}
CONFIGURATIONS=(cartpole-ppo cartpole-ppo-cleanrl cartpole-dqn cartpole-dqn-cleanrl mountaincar-ppo mountaincar-dqn
    acrobot-ppo acrobot-dqn frozenlake-qlearning frozenlake8x8-qlearning cliffwalking-qlearning cliffwalking-sarsa
    taxi-qlearning)

train() {
    local name=$1 seed=$2
    local folder=runs/yardsticks/$name-$seed
    [ -e "$folder/evaluation.json" ] && return
    "$BERTH" train --config "configs/train/$name.yaml" --seed "$seed" --out "$folder" --overwrite 2> /dev/null \
        | sed "s/^/$name seed $seed: /"
}
export -f train
export BERTH

list=$(mktemp)
trap 'rm -f "$list"' EXIT
for name in "${CONFIGURATIONS[@]}"; do
    for ((seed = 0; seed < SEEDS; seed++)); do echo "$name $seed"; done
done > "$list"
# shellcheck disable=SC2016 # The inner shell expands them.
xargs -P 2 -L 1 bash -c 'train "$0" "$1"' < "$list"
python3 "$HERE/table.py" runs/yardsticks "$HERE" "${CONFIGURATIONS[@]}"
