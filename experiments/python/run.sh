#!/usr/bin/env bash
# Trains PPO with Berth, Stable-Baselines3 and sb3-contrib on the flat view of a simulated cluster, over several seeds,
# one run at a time on one core, and prints the table of README.md and writes results.csv beside this file:
#   experiments/python/run.sh [SEEDS]
# Five seeds take about 80 minutes. Runs that are in runs/python already are not repeated. CORE= names the core, STEPS= the
# steps of a run.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$HERE/../.."
SEEDS=${1:-5}
CORE=${CORE:-1}
export BERTH=${BERTH:-.build/release/berth} BERTH_LIBRARY=${BERTH_LIBRARY:-.build/release/libberthenv.so}
export PYTHONPATH=python OMP_NUM_THREADS=1

compare() { taskset -c "$CORE" .venv/bin/python -W ignore::UserWarning "$HERE/compare.py" "$@"; }

# In turns, so that what else the machine does falls on all of them alike.
for ((seed = 0; seed < SEEDS; seed++)); do
    for method in advance random berth berth-intervals berth-candidates sb3-maskable sb3-ppo; do
        compare train "$method" "$seed"
    done
done
for ((seed = 0; seed < SEEDS; seed++)); do compare train berth-same-time "$seed"; done
compare table
