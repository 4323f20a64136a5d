"""Stable-Baselines3's PPO on CartPole-v1 with rl-zoo3's settings, one thread: the peer of `berth bench training`.

    python3 -m venv /tmp/sb3 && /tmp/sb3/bin/pip install stable-baselines3==2.9.2
    taskset -c 1 .build/release/berth bench training
    taskset -c 1 /tmp/sb3/bin/python experiments/yardsticks/sb3_cartpole.py 20000
"""
import sys
import time

import torch
from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

torch.set_num_threads(1)
steps = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
environments = make_vec_env("CartPole-v1", n_envs=8, seed=0)
model = PPO(
    "MlpPolicy", environments, n_steps=32, batch_size=256, n_epochs=20, gae_lambda=0.8, gamma=0.98, ent_coef=0.0,
    learning_rate=lambda remaining: remaining * 1e-3, clip_range=lambda remaining: remaining * 0.2, device="cpu",
    seed=0)
start = time.perf_counter()
model.learn(steps)
print(f"{steps / (time.perf_counter() - start):.0f} steps/s")
