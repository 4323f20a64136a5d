"""PureJaxRL's own PPO on CartPole-v1, with the settings of `berth bench training`, on one core:

    taskset -c CORE python purejaxrl.py CHECKOUT NAME STEPS

CHECKOUT is a clone of https://github.com/luchris429/purejaxrl; its purejaxrl/ppo.py runs as it is. Prints four figures:

- steps per second once compiled: a second run of the compiled function, with another seed;
- seconds from the start of this process to where the compiled function is ready: imports, tracing and XLA;
- seconds from the start of this process to a mean return of 475: those, and the part of the run before the end of the
  first iteration at which the last 100 episodes (those of as many iterations back as have 100) returned 475 in the mean,
  at the run's mean rate; "never" where there is none;
- the steps at that iteration.

Runs with jax 0.10.2, flax 0.12.8, optax 0.2.8, distrax 0.1.9 and gymnax 0.0.9.
"""
import os
import sys
import time
import types

# Since the process began, imports included.
with open("/proc/self/stat") as file:
    begun = int(file.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")


def age():
    return time.clock_gettime(time.CLOCK_BOOTTIME) - begun


os.environ["JAX_PLATFORMS"] = "cpu"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
checkout, name, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
seed = int(sys.argv[4]) if len(sys.argv) > 4 else 0
sys.path.insert(0, os.path.join(checkout, "purejaxrl"))
# Its wrappers import simulators that CartPole does not need.
for unused in ("brax", "brax.envs", "brax.envs.wrappers", "brax.envs.wrappers.training", "navix"):
    sys.modules[unused] = types.ModuleType(unused)
sys.modules["brax"].envs = sys.modules["brax.envs"]
for wrapper in ("EpisodeWrapper", "AutoResetWrapper"):
    setattr(sys.modules["brax.envs.wrappers.training"], wrapper, None)

import jax  # noqa: E402
import numpy as np  # noqa: E402
import ppo  # noqa: E402
from episodes import mean_of_last  # noqa: E402

COMMON = {
    "TOTAL_TIMESTEPS": steps, "CLIP_EPS": 0.2, "VF_COEF": 0.5, "MAX_GRAD_NORM": 0.5, "ACTIVATION": "tanh",
    "ENV_NAME": "CartPole-v1",
}
SETTINGS = {
    "ppo-4x128": {
        "LR": 2.5e-4, "NUM_ENVS": 4, "NUM_STEPS": 128, "UPDATE_EPOCHS": 4, "NUM_MINIBATCHES": 4, "GAMMA": 0.99,
        "GAE_LAMBDA": 0.95, "ENT_COEF": 0.01, "ANNEAL_LR": True},
    "ppo-8x256": {
        "LR": 3e-4, "NUM_ENVS": 8, "NUM_STEPS": 256, "UPDATE_EPOCHS": 10, "NUM_MINIBATCHES": 8, "GAMMA": 0.99,
        "GAE_LAMBDA": 0.95, "ENT_COEF": 0.0, "ANNEAL_LR": False},
    "ppo-8x32": {
        "LR": 1e-3, "NUM_ENVS": 8, "NUM_STEPS": 32, "UPDATE_EPOCHS": 20, "NUM_MINIBATCHES": 1, "GAMMA": 0.98,
        "GAE_LAMBDA": 0.8, "ENT_COEF": 0.0, "ANNEAL_LR": True},
}

settings = {**COMMON, **SETTINGS[name]}
compiled = jax.jit(ppo.make_train(settings)).lower(jax.random.PRNGKey(seed)).compile()
ready = age()
start = time.perf_counter()
result = jax.block_until_ready(compiled(jax.random.PRNGKey(seed)))
first = time.perf_counter() - start
start = time.perf_counter()
jax.block_until_ready(compiled(jax.random.PRNGKey(seed + 1000)))
again = time.perf_counter() - start

ended = np.asarray(result["metrics"]["returned_episode"]).reshape(settings["NUM_UPDATES"], -1)
returns = np.asarray(result["metrics"]["returned_episode_returns"]).reshape(settings["NUM_UPDATES"], -1)
iterations = list(zip(np.where(ended, returns, 0).sum(axis=1), ended.sum(axis=1)))
reached = [update for update in range(len(iterations)) if mean_of_last(iterations[:update + 1]) >= 475]
taken = settings["NUM_UPDATES"] * settings["NUM_ENVS"] * settings["NUM_STEPS"]
if reached:
    share = (reached[0] + 1) / settings["NUM_UPDATES"]
    print(f"{taken / again:.0f} {ready:.2f} {ready + share * first:.2f} {share * taken:.0f}")
else:
    print(f"{taken / again:.0f} {ready:.2f} never never")
