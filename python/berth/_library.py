"""The shared library: where it is, its functions, and the environments behind one of its handles."""

from __future__ import annotations

import ctypes
import functools
import json
import operator
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union

import numpy as np
import numpy.typing as npt

INTERFACE_VERSION = 1
_FILE_NAME = "libberthenv.so"
_BUILD = "swift build -c release --product berthenv"

_FAILURE, _ILLEGAL_ACTION = 1, 2
_AUTORESET, _REPLACE_ILLEGAL = 1, 2

#: What environments take as settings: YAML text, a path (an ``os.PathLike``, or a text that ends in .yaml or .yml), a
#: mapping, or None for the defaults.
Settings = Union[str, "os.PathLike[str]", Mapping[str, Any], None]

#: What becomes of an action that is not legal now: an error, or the first legal action in its place.
IllegalAction = Literal["raise", "noop"]


class BerthError(Exception):
    """What this package raises."""


class LibraryError(BerthError, ImportError):
    """The shared library is not there, cannot be loaded, or is of another version than this package."""


class SettingsError(BerthError, ValueError):
    """Settings that make no sense; the message names the key."""


class ActionError(BerthError, ValueError):
    """An action that is not in the list, or not legal now."""


@functools.cache
def load() -> ctypes.CDLL:
    """Loads the library, once.

    It is the file that the environment variable ``BERTH_LIBRARY`` names; without that, ``libberthenv.so`` beside this
    file, or else in the build folder of the repository that this file is in.

    Raises:
        LibraryError: It is in none of these places, or cannot be loaded.
    """
    named = os.environ.get("BERTH_LIBRARY")
    here = Path(__file__).resolve().parent
    places = [Path(named).resolve()] if named else [here / _FILE_NAME, here.parents[1] / ".build" / "release" / _FILE_NAME]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        looked = " and ".join(str(place) for place in places)
        raise LibraryError(
            f"{_FILE_NAME} was not found: looked for {looked}. Build it with `{_BUILD}` in Berth's repository, "
            "or name it in the environment variable BERTH_LIBRARY."
        )
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise LibraryError(
            f"{path} cannot be loaded: {error}. It needs the Swift runtime it was built with: build it again with "
            f"`{_BUILD}` on this machine, or with the runtime inside (docs/python.md)."
        ) from error
    _declare(library)
    version = library.berth_env_interface_version()
    if version != INTERFACE_VERSION:
        raise LibraryError(
            f"{path} has version {version} of the interface, this package needs {INTERFACE_VERSION}: build it again "
            f"with `{_BUILD}`."
        )
    return library


def _declare(library: ctypes.CDLL) -> None:
    # Pointers into arrays are passed as addresses: making a typed pointer costs more than a step of the simulator.
    address, handle = ctypes.c_void_p, ctypes.c_int64
    functions: dict[str, tuple[Any, list[Any]]] = {
        "interface_version": (ctypes.c_int32, []),
        "last_error": (ctypes.c_char_p, []),
        "create": (ctypes.c_int64, [ctypes.c_char_p, ctypes.c_int64, ctypes.c_char_p, ctypes.c_int64]),
        "count": (ctypes.c_int64, [handle]),
        "observation_width": (ctypes.c_int64, [handle]),
        "action_count": (ctypes.c_int64, [handle]),
        "observation_bounds": (ctypes.c_int32, [handle, address, address]),
        "feature_names": (ctypes.c_int64, [handle, ctypes.c_char_p, ctypes.c_int64]),
        "action_names": (ctypes.c_int64, [handle, ctypes.c_char_p, ctypes.c_int64]),
        "reset": (ctypes.c_int32, [handle, address, address, address]),
        "step": (ctypes.c_int32, [handle, address, ctypes.c_int32] + [address] * 9),
        "close": (ctypes.c_int32, [handle]),
    }
    for name, (result, arguments) in functions.items():
        try:
            function = getattr(library, f"berth_env_{name}")
        except AttributeError:
            raise LibraryError(
                f"{library._name} has no function berth_env_{name}: build it again with `{_BUILD}`."
            ) from None
        function.restype, function.argtypes = result, arguments


def _last_error(library: ctypes.CDLL) -> str:
    return (library.berth_env_last_error() or b"unknown error").decode()


def _read(settings: Settings) -> tuple[str, str | None]:
    """The text of settings, and the folder that paths in them start from."""
    if settings is None:
        return "", None
    if isinstance(settings, Mapping):
        # JSON is YAML; in several lines, so that an error's line says something.
        try:
            return json.dumps(settings, indent=1, ensure_ascii=False, allow_nan=False), None
        except (TypeError, ValueError) as error:
            raise SettingsError(f"the settings hold what YAML cannot: {error}") from error
    if isinstance(settings, str) and not settings.endswith((".yaml", ".yml")):
        return settings, None
    path = Path(settings)
    try:
        return path.read_text(encoding="utf-8"), str(path.parent)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error


def _address(array: npt.NDArray[Any] | None) -> int | None:
    return None if array is None else array.ctypes.data


class Environments:
    """Environments that the library steps together, writing into arrays that it is given.

    Arrays are not checked here: they come from this package, with the sizes below, contiguous.
    """

    def __init__(self, settings: Settings, count: int, illegal_action: IllegalAction) -> None:
        """Makes ``count`` environments.

        Raises:
            LibraryError: The library cannot be loaded.
            SettingsError: The settings make no sense.
            ValueError: Another argument does not.
        """
        self._handle = 0
        if illegal_action not in ("raise", "noop"):
            raise ValueError(f'illegal_action must be "raise" or "noop", found {illegal_action!r}')
        count = operator.index(count)
        if count < 1:
            raise ValueError(f"expected 1 environment or more, found {count}")
        self._replace = _REPLACE_ILLEGAL if illegal_action == "noop" else 0
        self._library = load()
        text, folder = _read(settings)
        data = text.encode()
        self._handle = self._library.berth_env_create(
            data, len(data), None if folder is None else os.fsencode(folder), count
        )
        if self._handle == 0:
            raise SettingsError(_last_error(self._library))
        self.count = count
        self.width: int = self._library.berth_env_observation_width(self._handle)
        self.action_count: int = self._library.berth_env_action_count(self._handle)

    def bounds(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """The least and the greatest value of each component of an observation."""
        low, high = np.empty(self.width, np.float32), np.empty(self.width, np.float32)
        self._require(
            self._library.berth_env_observation_bounds(self._open_handle(), _address(low), _address(high))
        )
        return low, high

    def feature_names(self) -> list[str]:
        """Names of the components of an observation."""
        return self._lines(self._library.berth_env_feature_names)

    def action_names(self) -> list[str]:
        """The actions in words."""
        return self._lines(self._library.berth_env_action_names)

    def reset(
        self,
        seeds: npt.NDArray[np.int64] | None,
        observations: npt.NDArray[np.float32],
        masks: npt.NDArray[np.int8],
    ) -> None:
        """Starts an episode in each environment, which goes on from its last seed where ``seeds`` is negative."""
        self._require(
            self._library.berth_env_reset(
                self._open_handle(), _address(seeds), _address(observations), _address(masks)
            )
        )

    def step(
        self,
        actions: npt.NDArray[np.int64],
        observations: npt.NDArray[np.float32],
        rewards: npt.NDArray[np.float64],
        terminated: npt.NDArray[np.bool_],
        truncated: npt.NDArray[np.bool_],
        masks: npt.NDArray[np.int8],
        elapsed: npt.NDArray[np.float64],
        replaced: npt.NDArray[np.bool_],
        final_observations: npt.NDArray[np.float32] | None = None,
        final_masks: npt.NDArray[np.int8] | None = None,
        *,
        autoreset: bool,
    ) -> None:
        """Takes an action in each environment."""
        self._require(
            self._library.berth_env_step(
                self._open_handle(),
                _address(actions),
                self._replace | (_AUTORESET if autoreset else 0),
                _address(observations),
                _address(rewards),
                _address(terminated),
                _address(truncated),
                _address(masks),
                _address(elapsed),
                _address(replaced),
                _address(final_observations),
                _address(final_masks),
            )
        )

    def close(self) -> None:
        """Removes the environments; again does nothing."""
        if self._handle:
            self._library.berth_env_close(self._handle)
            self._handle = 0

    def __del__(self) -> None:
        # __init__ may not have come far.
        if getattr(self, "_handle", 0):
            self.close()

    def _open_handle(self) -> int:
        if self._handle == 0:
            raise BerthError("the environment is closed: make a new one")
        return self._handle

    def _require(self, status: int) -> None:
        if status == _ILLEGAL_ACTION:
            raise ActionError(_last_error(self._library))
        if status != 0:
            raise BerthError(_last_error(self._library))

    def _lines(self, function: Any) -> list[str]:
        length = function(self._open_handle(), None, 0)
        if length < 0:
            raise BerthError(_last_error(self._library))
        text = ctypes.create_string_buffer(length + 1)
        function(self._open_handle(), text, length + 1)
        return text.value.decode().split("\n")
