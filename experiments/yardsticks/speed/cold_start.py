"""Seconds from starting a program to a mean return of 475 on CartPole-v1, Berth and PureJaxRL in turn on one core:

    JAX_PYTHON=... PUREJAXRL=... python3 cold_start.py BERTH [SEEDS]

The mean is over the last 100 episodes of training (those of as many iterations back as have 100), the time that of the end
of the first iteration that reaches it. Berth's is what the process took beside its iterations (start, configuration, files) and the iterations
until then; PureJaxRL's is what purejaxrl.py says. Prints a table: medians over the seeds, and the range.
"""
import csv
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from episodes import mean_of_last

FLAGS = {
    "ppo-4x128": {
        "environments": 4, "rolloutSteps": 128, "batchSize": 128, "epochs": 4, "learningRate": 2.5e-4,
        "valueClipRange": 0.2, "entropyCoefficient": 0.01, "normalizesEntropy": "false"},
    "ppo-8x256": {
        "environments": 8, "rolloutSteps": 256, "batchSize": 256, "epochs": 10, "learningRate": 3e-4,
        "learningRateSchedule": "constant", "valueClipRange": 0.2, "entropyCoefficient": 0},
    "ppo-8x32": {
        "environments": 8, "rolloutSteps": 32, "batchSize": 256, "epochs": 20, "learningRate": 1e-3,
        "discount": 0.98, "lambda": 0.8, "valueClipRange": 0.2, "entropyCoefficient": 0},
}
STEPS = {"ppo-4x128": 500_000, "ppo-8x256": 500_000, "ppo-8x32": 100_000}

berth, seeds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
here = pathlib.Path(__file__).parent
core = str(os.cpu_count() - 1)
environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}


def ours(name, seed, folder):
    configuration = folder / "run.yaml"
    configuration.write_text("environment: {kind: cartpole, evaluationEpisodes: 0}\n")
    flags = [f"--set=ppo.{key}={value}" for key, value in {**FLAGS[name], "totalSteps": STEPS[name]}.items()]
    start = time.perf_counter()
    subprocess.run(
        ["taskset", "-c", core, berth, "train", "--config", configuration, "--seed", str(seed), "--out", folder / "run",
         "--overwrite", *flags], check=True, capture_output=True, env=environment)
    wall = time.perf_counter() - start
    taken, total, reached, episodes = 0, 0.0, None, []
    with open(folder / "run/metrics.csv") as file:
        for row in csv.DictReader(file):
            total += (int(row["step"]) - taken) / float(row["steps_per_second"])
            taken = int(row["step"])
            if row["mean_return"]:
                number = int(float(row["episodes"]))
                episodes.append((float(row["mean_return"]) * number, number))
            if reached is None and mean_of_last(episodes) >= 475:
                reached = total, taken
    return (wall - total + reached[0], reached[1]) if reached else (None, None)


def theirs(name, seed):
    output = subprocess.run(
        ["taskset", "-c", core, os.environ["JAX_PYTHON"], here / "purejaxrl.py", os.environ["PUREJAXRL"], name,
         str(STEPS[name]), str(seed)], check=True, capture_output=True, text=True).stdout
    seconds, steps = output.split()[2:4]
    return (None, None) if seconds == "never" else (float(seconds), int(steps))


def told(results):
    seconds = [result[0] for result in results if result[0] is not None]
    missing = f", never in {len(results) - len(seconds)}" if len(seconds) < len(results) else ""
    if not seconds:
        return "never"
    steps = statistics.median(result[1] for result in results if result[1] is not None)
    return f"{statistics.median(seconds):.2f} [{min(seconds):.2f}, {max(seconds):.2f}], {steps:,.0f} steps{missing}"


print(f"| settings | Berth, s to 475 ({seeds} seeds) | PureJaxRL |")
print("|---|---|---|")
for name in FLAGS:
    with tempfile.TemporaryDirectory() as folder:
        pairs = [(ours(name, seed, pathlib.Path(folder)), theirs(name, seed)) for seed in range(seeds)]
    print(f"| {name} | {told([pair[0] for pair in pairs])} | {told([pair[1] for pair in pairs])} |", flush=True)
