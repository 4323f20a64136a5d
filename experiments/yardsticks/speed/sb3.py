"""Stable-Baselines3 on CartPole-v1 with the settings of `berth bench training`, one thread: run by run.sh.

    python sb3.py NAME STEPS

prints the steps per second of the named settings. As there, steps before DQN's first update do not count.
"""
import sys
import time

import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env

torch.set_num_threads(1)
torch.manual_seed(0)


def ppo(environments, **settings):
    return PPO("MlpPolicy", make_vec_env("CartPole-v1", n_envs=environments, seed=0), device="cpu", seed=0, **settings)


def dqn(hidden, **settings):
    return DQN(
        "MlpPolicy", make_vec_env("CartPole-v1", n_envs=1, seed=0), device="cpu", seed=0,
        policy_kwargs={"net_arch": hidden}, **settings)


MODELS = {
    "ppo-8x32": lambda: ppo(
        8, n_steps=32, batch_size=256, n_epochs=20, gae_lambda=0.8, gamma=0.98, ent_coef=0.0,
        learning_rate=lambda remaining: remaining * 1e-3, clip_range=lambda remaining: remaining * 0.2),
    "ppo-8x256": lambda: ppo(8, n_steps=256, batch_size=256, n_epochs=10, ent_coef=0.0),
    "ppo-4x128": lambda: ppo(
        4, n_steps=128, batch_size=128, n_epochs=4, ent_coef=0.01, clip_range_vf=0.2,
        learning_rate=lambda remaining: remaining * 2.5e-4),
    "dqn-256x256": lambda: dqn(
        [256, 256], learning_rate=2.3e-3, batch_size=64, buffer_size=100_000, learning_starts=1_000, gamma=0.99,
        target_update_interval=10, train_freq=256, gradient_steps=128, exploration_fraction=0.16,
        exploration_final_eps=0.04),
    "dqn-120x84": lambda: dqn(
        [120, 84], learning_rate=2.5e-4, batch_size=128, buffer_size=10_000, learning_starts=10_000, gamma=0.99,
        target_update_interval=500, train_freq=10, gradient_steps=1, exploration_fraction=0.5,
        exploration_final_eps=0.05, max_grad_norm=1e9),
}


class Clock(BaseCallback):
    """Notes when step `first` has been taken."""

    def __init__(self, first):
        super().__init__()
        self.first, self.start, self.begun = first, time.perf_counter(), 0

    def _on_step(self):
        if not self.begun and self.num_timesteps >= self.first > 0:
            self.start, self.begun = time.perf_counter(), self.num_timesteps
        return True


name, steps = sys.argv[1], int(sys.argv[2])
model = MODELS[name]()
first = getattr(model, "learning_starts", 0)
clock = Clock(first)
clock.start = time.perf_counter()
model.learn(first + steps, callback=clock)
print(f"{(model.num_timesteps - clock.begun) / (time.perf_counter() - clock.start):.0f}")
