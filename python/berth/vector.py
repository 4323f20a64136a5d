"""Simulated clusters that are stepped together, as a Gymnasium vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from berth._library import ActionError, Environments, IllegalAction, Settings
from berth.cluster import SEEDS


class ClusterVectorEnv(VectorEnv[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[Any]]):
    """:class:`ClusterEnv` many times over, stepped by one call of the library.

    An environment whose episode ends begins the next one in the same step (``AutoresetMode.SAME_STEP``): its row of
    observations and of ``infos["action_mask"]`` is then the first of the new episode, and the last of the old one is in
    ``infos["final_obs"]`` and ``infos["final_info"]``. ``infos["elapsed"]`` and ``infos["illegal_action"]`` always say
    what this step did.

    The library writes straight into the arrays that ``reset`` and ``step`` return. With ``copy=True`` they are new ones
    each time; with ``copy=False`` they are the same ones each time, valid until the next call.
    """

    metadata: dict[str, Any] = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}

    def __init__(
        self,
        num_envs: int = 1,
        settings: Settings = None,
        *,
        illegal_action: IllegalAction = "raise",
        copy: bool = True,
    ) -> None:
        """Makes ``num_envs`` environments.

        Args:
            num_envs: How many.
            settings: As of :class:`ClusterEnv`, the same for all of them.
            illegal_action: As of :class:`ClusterEnv`. With ``"raise"`` no environment has moved when one action is
                illegal.
            copy: Whether each call returns new arrays.

        Raises:
            LibraryError: The shared library cannot be found or loaded.
            SettingsError: The settings make no sense; the message names the key.
        """
        self._environments = Environments(settings, num_envs, illegal_action)
        self.num_envs = num_envs
        self.copy = copy
        low, high = self._environments.bounds()
        self.single_observation_space = spaces.Box(low, high, dtype=np.float32)
        self.single_action_space = spaces.Discrete(self._environments.action_count)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.feature_names: list[str] = self._environments.feature_names()
        self.action_names: list[str] = self._environments.action_names()
        self._seeded = False
        self._memory = _Memory(self._environments)
        self._final_observations = np.zeros((num_envs, self._environments.width), np.float32)
        self._final_masks = np.zeros((num_envs, self._environments.action_count), np.int8)

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[npt.NDArray[np.float32], dict[str, Any]]:
        """Starts an episode in each environment.

        Args:
            seed: A number gives environment i the seed ``seed + i``; a list has one for each. Where there is none, the
                environment goes on from its last seed, the first time from one that the operating system draws.
            options: There are none.
        """
        if seed is None or isinstance(seed, (int, np.integer)):
            super().reset(seed=None if seed is None else int(seed))
            seeds = [None if seed is None else int(seed) + index for index in range(self.num_envs)]
        else:
            seeds = list(seed)
            if len(seeds) != self.num_envs:
                raise ValueError(f"expected {self.num_envs} seeds, one for each environment, found {len(seeds)}")
            if any(number is not None and number < 0 for number in seeds):
                raise ValueError(f"expected seeds of 0 or more, found {seeds}")
        if not self._seeded:
            first = int(self.np_random.integers(SEEDS - 1)) if None in seeds else 0
            seeds = [first + index if number is None else number for index, number in enumerate(seeds)]
        numbers = np.array([-1 if number is None else number % SEEDS for number in seeds], np.int64)
        memory = self._next_memory()
        self._environments.reset(numbers, memory.observations, memory.masks)
        self._memory = memory
        self._seeded = True
        return memory.observations, {"action_mask": memory.masks, "_action_mask": np.ones(self.num_envs, np.bool_)}

    def step(
        self, actions: npt.ArrayLike
    ) -> tuple[
        npt.NDArray[np.float32],
        npt.NDArray[np.float64],
        npt.NDArray[np.bool_],
        npt.NDArray[np.bool_],
        dict[str, Any],
    ]:
        """Takes an action in each environment.

        Args:
            actions: ``num_envs`` whole numbers; contiguous ones of type int64 are not copied.

        Raises:
            ActionError: They are not that, or one is not in the list or, with ``illegal_action="raise"``, not legal
                now.
        """
        given = np.asarray(actions)
        if given.shape != (self.num_envs,) or not np.issubdtype(given.dtype, np.integer):
            raise ActionError(
                f"expected {self.num_envs} whole numbers, one action for each environment, "
                f"found an array of shape {given.shape} and type {given.dtype}"
            )
        memory = self._next_memory()
        self._environments.step(
            np.ascontiguousarray(given, np.int64),
            memory.observations,
            memory.rewards,
            memory.terminated,
            memory.truncated,
            memory.masks,
            memory.elapsed,
            memory.replaced,
            self._final_observations,
            self._final_masks,
            autoreset=True,
        )
        self._memory = memory
        return memory.observations, memory.rewards, memory.terminated, memory.truncated, self._infos(memory)

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Which actions are legal now, one row an environment."""
        return self._memory.masks.astype(np.bool_)

    def close_extras(self, **kwargs: Any) -> None:
        """Frees the environments."""
        self._environments.close()

    def _next_memory(self) -> _Memory:
        """Where the next call writes. What was returned before stays as it is, unless ``copy`` is off."""
        return _Memory(self._environments) if self.copy else self._memory

    def _infos(self, memory: _Memory) -> dict[str, Any]:
        infos: dict[str, Any] = {}

        def put(into: dict[str, Any], key: str, values: npt.NDArray[Any], present: npt.NDArray[np.bool_]) -> None:
            into[key], into[f"_{key}"] = values, present.copy()

        everywhere = np.ones(self.num_envs, np.bool_)
        put(infos, "action_mask", memory.masks, everywhere)
        put(infos, "elapsed", memory.elapsed, everywhere)
        put(infos, "illegal_action", memory.replaced, everywhere)
        ended = memory.terminated | memory.truncated
        if ended.any():
            final_observations = np.full(self.num_envs, None, dtype=object)
            for index in np.flatnonzero(ended):
                final_observations[index] = self._final_observations[index].copy()
            put(infos, "final_obs", final_observations, ended)
            # As Gymnasium puts them together: where no episode has ended, values are 0 and the key's mask is False.
            final_info: dict[str, Any] = {}
            put(final_info, "action_mask", np.where(ended[:, None], self._final_masks, np.int8(0)), ended)
            put(final_info, "elapsed", np.where(ended, memory.elapsed, 0.0), ended)
            put(final_info, "illegal_action", memory.replaced & ended, ended)
            infos["final_info"], infos["_final_info"] = final_info, ended
        return infos


class _Memory:
    """What one call of the library writes."""

    def __init__(self, environments: Environments) -> None:
        count = environments.count
        self.observations = np.empty((count, environments.width), np.float32)
        self.masks = np.zeros((count, environments.action_count), np.int8)
        self.rewards = np.zeros(count, np.float64)
        self.elapsed = np.zeros(count, np.float64)
        self.terminated = np.zeros(count, np.bool_)
        self.truncated = np.zeros(count, np.bool_)
        self.replaced = np.zeros(count, np.bool_)
