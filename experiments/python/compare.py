"""Berth's PPO against Stable-Baselines3's and sb3-contrib's on the flat view of a simulated cluster.

    compare.py train METHOD SEED    trains and evaluates one policy: runs/python/METHOD-SEED/result.json
    compare.py table                results.csv and the table in README.md, of everything in runs/python

run.sh calls it for every method and seed. Every policy plays the same episodes, here, through the Python package.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import gymnasium
import h5py
import numpy as np
from scipy import stats

import berth  # noqa: F401  (registers the environment)

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
RUNS = REPOSITORY / "runs" / "python"
BERTH = os.environ.get("BERTH", str(REPOSITORY / ".build/release/berth"))

#: What all of them are trained and evaluated in: ``gymnasium.make("berth/Cluster-v0")`` as it is.
ENVIRONMENT: dict = {}
#: Seeds that no training run draws its episodes from.
EVALUATION_SEEDS = range(1_000_000, 1_000_100)
STEPS = int(os.environ.get("STEPS", 1_000_000))

#: Stable-Baselines3's defaults for PPO, but with 8 environments of 256 steps in place of one of 2,048, and minibatches
#: of 256 in place of 64, which is faster and was not worse. Observations and rewards are normalised, as by VecNormalize.
ENVIRONMENTS = 8
PPO = {
    "n_steps": 256,
    "batch_size": 256,
    "n_epochs": 10,
    "learning_rate": 3e-4,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "ent_coef": 0.0,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
}

#: The same for Berth, which names them differently and whose value loss has a factor of a half more.
BERTH_PPO = {
    "environments": ENVIRONMENTS,
    "rolloutSteps": PPO["n_steps"],
    "batchSize": PPO["batch_size"],
    "epochs": PPO["n_epochs"],
    "learningRate": PPO["learning_rate"],
    "learningRateSchedule": "constant",
    "discount": PPO["gamma"],
    "lambda": PPO["gae_lambda"],
    "clipRange": PPO["clip_range"],
    "entropyCoefficient": PPO["ent_coef"],
    "normalizesEntropy": False,
    "valueCoefficient": 2 * PPO["vf_coef"],
    "maximumGradientNorm": PPO["max_grad_norm"],
    "normalizesObservations": True,
    "scalesRewards": True,
}

LABELS = {
    "berth": "Berth PPO, discounts by the step",
    "berth-same-time": "the same for as long as MaskablePPO took",
    "berth-intervals": "Berth PPO, discounts by elapsed time (its default)",
    "berth-candidates": "Berth PPO on the list of candidates, by elapsed time",
    "sb3-maskable": "sb3-contrib MaskablePPO",
    "sb3-ppo": "Stable-Baselines3 PPO, no masks",
    "random": "random legal actions",
    "advance": "`advance` only; pods to their first feasible node",
}


def evaluate(choose):
    """Returns of the evaluation episodes; ``choose`` gets an observation and the mask of its legal actions."""
    env = gymnasium.make("berth/Cluster-v0", settings=ENVIRONMENT, illegal_action="noop")
    returns = []
    for seed in EVALUATION_SEEDS:
        observation, info = env.reset(seed=seed)
        total, ended = 0.0, False
        while not ended:
            action = choose(observation, info["action_mask"].astype(bool))
            observation, reward, terminated, truncated, info = env.step(action)
            total, ended = total + reward, terminated or truncated
        returns.append(total)
    return returns


def reference(method, seed):
    """What a policy that has learned nothing returns."""
    if method == "advance":
        return {"steps": 0, "returns": evaluate(lambda observation, mask: 0)}
    generator = np.random.default_rng(seed)
    return {"steps": 0, "returns": evaluate(lambda observation, mask: generator.choice(np.flatnonzero(mask)))}


# Stable-Baselines3


def stable_baselines3(method, seed):
    """Trains as a user of Stable-Baselines3 does."""
    import torch
    from sb3_contrib import MaskablePPO
    from stable_baselines3 import PPO as PlainPPO
    from stable_baselines3.common.env_util import make_vec_env
    from stable_baselines3.common.vec_env import VecNormalize

    torch.set_num_threads(1)
    masked = method == "sb3-maskable"
    envs = make_vec_env("berth/Cluster-v0", n_envs=ENVIRONMENTS, seed=seed, env_kwargs={
        "settings": ENVIRONMENT, "illegal_action": "raise" if masked else "noop"})
    envs = VecNormalize(envs, gamma=PPO["gamma"])
    algorithm = MaskablePPO if masked else PlainPPO
    model = algorithm("MlpPolicy", envs, seed=seed, device="cpu", **PPO)
    wall, cpu = time.perf_counter(), time.process_time()
    model.learn(STEPS)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu

    def choose(observation, mask):
        masks = {"action_masks": mask} if masked else {}
        return int(model.predict(envs.normalize_obs(observation), deterministic=True, **masks)[0])

    return {"steps": model.num_timesteps, "wall": wall, "cpu": cpu, "returns": evaluate(choose)}


# Berth


def berth_ppo(method, seed):
    """Trains with ``berth train``, start-up and checkpoints included in the time."""
    candidates = method == "berth-candidates"
    kind = {"kind": "cluster", "controllerShare": 0, "evaluationEpisodes": len(EVALUATION_SEEDS),
            "evaluationSeed": EVALUATION_SEEDS[0]} if candidates else {
        "kind": "flat-cluster", "discounting": "intervals" if method == "berth-intervals" else "steps"}
    steps = STEPS
    if method == "berth-same-time":
        # As many steps as Berth takes in the processor time that MaskablePPO took, by the runs of both that are there.
        # Each has one core to itself, so on a machine without other work that is the wall time too.
        ours, theirs = (np.mean([result["cpu"] for result in results(name)]) for name in ("berth", "sb3-maskable"))
        steps = int(STEPS * theirs / ours)
    folder = RUNS / f"{method}-{seed}"
    configuration = folder.with_suffix(".json")
    # JSON is YAML.
    configuration.write_text(json.dumps({
        "seed": seed, "environment": {**kind, **ENVIRONMENT}, "ppo": {"totalSteps": steps, **BERTH_PPO},
        "checkpoints": {"everySteps": 10**9}}, indent=1))
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [BERTH, "train", "--config", str(configuration), "--out", str(folder), "--overwrite"], check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    checkpoint = next((folder / "checkpoints").glob("*.h5"))
    steps = int(checkpoint.stem.removeprefix("step-"))
    if candidates:
        # Python does not see the candidates: Berth's own evaluation, in the same episodes. Its time counts too.
        returns = json.loads((folder / "evaluation.json").read_text())["returns"]
        return {"steps": steps, "wall": wall, "cpu": cpu, "returns": returns}
    return {"steps": steps, "wall": wall, "cpu": cpu, "returns": evaluate(greedy(checkpoint))}


def greedy(checkpoint):
    """The policy of a checkpoint of Berth, always taking its best legal action."""
    with h5py.File(checkpoint) as file:
        normalizer = file["normalizer/observations/0"]
        count, clip = normalizer["count"][()], normalizer["clip"][()]
        mean = normalizer["mean"][:]
        deviation = np.sqrt(normalizer["squared_deviations"][:] / count + 1e-8)
        # A feature that never varied in training has no weight.
        low, high = normalizer["minimum"][:], normalizer["maximum"][:]
        deviation[high - low <= 1e-6 * np.maximum(1, np.maximum(abs(low), abs(high)))] = np.inf
        actor = file["policy/actor"]
        layers = [(actor[f"{layer}/weight"][:], actor[f"{layer}/bias"][:]) for layer in range(len(actor))]

    def choose(observation, mask):
        values = np.clip((observation - mean) / deviation, -clip, clip).astype(np.float32)
        for weight, bias in layers[:-1]:
            values = np.tanh(values @ weight + bias)
        logits = values @ layers[-1][0] + layers[-1][1]
        return int(np.where(mask, logits, -np.inf).argmax())

    return choose


# Results


def results(method):
    """What the runs of a method gave, in order of their seeds."""
    paths = sorted(RUNS.glob(f"{method}-*/result.json"), key=lambda path: int(path.parent.name.rsplit("-", 1)[1]))
    found = [json.loads(path.read_text()) for path in paths]
    return [result for result in found if result["method"] == method]


def train(method, seed):
    """One run, unless it is there already."""
    folder = RUNS / f"{method}-{seed}"
    if (folder / "result.json").exists():
        return
    RUNS.mkdir(parents=True, exist_ok=True)
    kind = reference if method in ("random", "advance") else berth_ppo if "berth" in method else stable_baselines3
    result = {"method": method, "seed": seed, **kind(method, seed)}
    folder.mkdir(exist_ok=True)
    (folder / "result.json").write_text(json.dumps(result))
    print(f"{method} {seed}: {np.mean(result['returns']):.1f} in {result.get('wall', 0):.0f} s", flush=True)


def table():
    """Writes results.csv and prints the rows of the table."""
    rows = []
    lines = ["| | steps | return | training, wall | CPU |", "|---|---|---|---|---|"]
    for method, label in LABELS.items():
        runs = results(method)
        if not runs:
            continue
        means = np.array([np.mean(run["returns"]) for run in runs])
        for run, mean in zip(runs, means):
            rows.append([method, run["seed"], run["steps"], round(mean, 3), run.get("wall"), run.get("cpu")])
        # Between training runs: the evaluation episodes are the same for all.
        half = stats.t.ppf(0.975, len(means) - 1) * stats.sem(means) if len(means) > 1 else None
        spread = "" if half is None else f" ± {half:.1f}"
        times = ["", ""]
        if "wall" in runs[0]:
            times = [f"{np.mean([run[key] for run in runs]):.0f} s" for key in ("wall", "cpu")]
        steps = f"{round(np.mean([run['steps'] for run in runs]), -3):,.0f}" if runs[0]["steps"] else ""
        lines.append(f"| {label} | {steps} | {means.mean():.1f}{spread} | {times[0]} | {times[1]} |")
    with open(HERE / "results.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["method", "seed", "steps", "mean_return", "wall_seconds", "cpu_seconds"])
        writer.writerows(rows)
    print("\n".join(lines))


if __name__ == "__main__":
    if sys.argv[1:] == ["table"]:
        table()
    else:
        train(sys.argv[2], int(sys.argv[3]))
