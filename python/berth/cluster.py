"""A simulated cluster as a Gymnasium environment."""

from __future__ import annotations

import operator
from typing import Any, SupportsIndex

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from berth._library import ActionError, Environments, IllegalAction, Settings

#: Seeds of the library are numbers below this.
SEEDS = 2**63


class ClusterEnv(gymnasium.Env[npt.NDArray[np.float32], np.int64]):
    """Placing pods and scaling services in a simulated Kubernetes cluster.

    Observations are vectors and actions a fixed list, both described in docs/python.md and named by
    :attr:`feature_names` and :attr:`action_names`. Which actions are legal changes from step to step:
    ``info["action_mask"]`` says it in the form that ``action_space.sample`` takes, :meth:`action_masks` in the form
    that sb3-contrib asks for. An episode is truncated after ``episode.intervals`` control intervals; it never
    terminates.

    ``info`` of a step also has ``elapsed``, the control intervals that the step took (1 for ``advance``, 0 for every
    other action), and ``illegal_action``, whether the action was illegal and replaced by the first legal one.

    Each call returns new arrays, which the library has written into.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(self, settings: Settings = None, *, illegal_action: IllegalAction = "raise") -> None:
        """Makes an environment.

        Args:
            settings: The clusters and the episodes: YAML text, a path to a file of it, a mapping, or nothing for the
                defaults. The keys are those of ``environment:`` of kind cluster in Berth's configs/train.
            illegal_action: What becomes of an action that is not legal now: ``"raise"`` an :class:`ActionError`, or
                ``"noop"``, the first legal action in its place: ``advance``, or the first feasible node of the pod that
                waits to be placed.

        Raises:
            LibraryError: The shared library cannot be found or loaded.
            SettingsError: The settings make no sense; the message names the key.
        """
        self._environments = Environments(settings, 1, illegal_action)
        low, high = self._environments.bounds()
        self.observation_space = spaces.Box(low, high, dtype=np.float32)
        self.action_space = spaces.Discrete(self._environments.action_count)
        self.feature_names: list[str] = self._environments.feature_names()
        self.action_names: list[str] = self._environments.action_names()
        self._seeded = False
        self._seeds = np.zeros(1, np.int64)
        self._actions = np.zeros(1, np.int64)
        self._rewards = np.zeros(1, np.float64)
        self._elapsed = np.zeros(1, np.float64)
        self._terminated = np.zeros(1, np.bool_)
        self._truncated = np.zeros(1, np.bool_)
        self._replaced = np.zeros(1, np.bool_)
        self._mask = np.zeros(self._environments.action_count, np.int8)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Starts an episode.

        Args:
            seed: Decides the episode. Without one the environment goes on from its last seed, the first time from one
                that the operating system draws.
            options: There are none.
        """
        super().reset(seed=seed)
        if seed is not None:
            self._seeds[0] = seed % SEEDS
        else:
            self._seeds[0] = -1 if self._seeded else self.np_random.integers(SEEDS - 1)
        observation, mask = self._arrays()
        self._environments.reset(self._seeds, observation, mask)
        self._seeded = True
        self._mask = mask.copy()
        return observation, {"action_mask": mask}

    def step(
        self, action: SupportsIndex
    ) -> tuple[npt.NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Takes an action.

        Raises:
            ActionError: It is not in the list, or not legal now (with ``illegal_action="raise"``).
        """
        try:
            self._actions[0] = operator.index(action)
        except (TypeError, OverflowError) as error:
            raise ActionError(
                f"expected an action from 0 to {self._environments.action_count - 1}, found {action!r}"
            ) from error
        observation, mask = self._arrays()
        self._environments.step(
            self._actions,
            observation,
            self._rewards,
            self._terminated,
            self._truncated,
            mask,
            self._elapsed,
            self._replaced,
            autoreset=False,
        )
        self._mask = mask.copy()
        info = {
            "action_mask": mask,
            "elapsed": float(self._elapsed[0]),
            "illegal_action": bool(self._replaced[0]),
        }
        return observation, float(self._rewards[0]), bool(self._terminated[0]), bool(self._truncated[0]), info

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Which actions are legal now, as sb3-contrib asks for it."""
        return self._mask.astype(np.bool_)

    def close(self) -> None:
        """Frees the environment; closing it again does nothing."""
        self._environments.close()

    def _arrays(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int8]]:
        return (
            np.empty(self._environments.width, np.float32),
            np.empty(self._environments.action_count, np.int8),
        )
