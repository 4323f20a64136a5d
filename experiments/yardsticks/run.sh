#!/usr/bin/env bash
# Trains with each of the configurations that external figures exist for, over several seeds, two runs at a time, and
# writes results.csv, table.md and the curves beside this file:
#   experiments/yardsticks/run.sh [SEEDS]
# It takes about half an hour. Runs that are in runs/yardsticks already are not repeated.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.."
BERTH=${BERTH:-.build/release/berth}
SEEDS=${1:-5}
CONFIGURATIONS=(cartpole-ppo cartpole-ppo-cleanrl cartpole-dqn cartpole-dqn-cleanrl mountaincar-ppo mountaincar-dqn
    acrobot-ppo acrobot-dqn frozenlake-qlearning cliffwalking-qlearning cliffwalking-sarsa taxi-qlearning)

train() {
    local name=$1 seed=$2
    local folder=runs/yardsticks/$name-$seed
    [ -e "$folder/evaluation.json" ] && return
    "$BERTH" train --config "configs/train/$name.yaml" --seed "$seed" --out "$folder" --overwrite 2> /dev/null \
        | sed "s/^/$name seed $seed: /"
}
export -f train
export BERTH

for name in "${CONFIGURATIONS[@]}"; do
    for ((seed = 0; seed < SEEDS; seed++)); do echo "$name $seed"; done
done | xargs -P 2 -L 1 bash -c 'train "$0" "$1"'
python3 "$HERE/table.py" runs/yardsticks "$HERE" "${CONFIGURATIONS[@]}"
