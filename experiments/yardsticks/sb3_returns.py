"""Mean returns of Stable-Baselines3 itself on CartPole-v1 at rl-zoo3's settings, which rl-zoo3 gives for one run only:

    python sb3_returns.py ppo|dqn SEED

trains 100,000 (PPO) or 50,000 (DQN) steps and prints the mean return of the last policy, always taking its best action,
over 100 episodes. Needs stable-baselines3==2.9.2.
"""
import sys

import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

torch.set_num_threads(1)
algorithm, seed = sys.argv[1], int(sys.argv[2])
if algorithm == "ppo":
    model = PPO(
        "MlpPolicy", make_vec_env("CartPole-v1", n_envs=8, seed=seed), device="cpu", seed=seed, n_steps=32,
        batch_size=256, n_epochs=20, gae_lambda=0.8, gamma=0.98, ent_coef=0.0,
        learning_rate=lambda remaining: remaining * 1e-3, clip_range=lambda remaining: remaining * 0.2)
    model.learn(100_000)
else:
    model = DQN(
        "MlpPolicy", make_vec_env("CartPole-v1", n_envs=1, seed=seed), device="cpu", seed=seed,
        policy_kwargs={"net_arch": [256, 256]}, learning_rate=2.3e-3, batch_size=64, buffer_size=100_000,
        learning_starts=1_000, gamma=0.99, target_update_interval=10, train_freq=256, gradient_steps=128,
        exploration_fraction=0.16, exploration_final_eps=0.04)
    model.learn(50_000)
mean, deviation = evaluate_policy(model, make_vec_env("CartPole-v1", seed=1000 + seed), 100)
print(f"{algorithm} seed {seed}: {mean:.1f} ± {deviation:.1f}")
