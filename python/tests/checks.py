"""Checks of the package, one a name: ``python checks.py NAME``, or all of them without a name.

Needs what scripts/test-requirements.txt lists, and the package on the path. A check that fails raises.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import gymnasium
import numpy as np
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode

import berth
from berth import _library

SHORT = {"episode": {"intervals": 5}}
IDENTIFIER = "berth/Cluster-v0"


def raises(kind, action, *texts):
    """The text of the error that ``action`` has to raise."""
    try:
        action()
    except kind as error:
        for text in texts:
            assert text in str(error), f"{text!r} is not in {error!r}"
        return str(error)
    raise AssertionError(f"nothing was raised, expected {kind.__name__}")


def gymnasium_check():
    """Gymnasium's own check, which also draws illegal actions; its warnings are errors."""
    for settings in (None, SHORT, {"view": {"nodes": 8, "services": 5}}):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            env = gymnasium.make(IDENTIFIER, settings=settings)
            check_env(env.unwrapped)
            env.close()


def spaces():
    """Spaces, names and masks agree, and observations have the meaning that their names say."""
    env = gymnasium.make(IDENTIFIER, settings={"view": {"nodes": 6, "services": 4}}).unwrapped
    observation, info = env.reset(seed=1)
    assert observation.dtype == np.float32 and observation.shape == env.observation_space.shape
    assert len(env.feature_names) == observation.size == len(set(env.feature_names))
    assert len(env.action_names) == env.action_space.n == len(set(env.action_names))
    assert env.action_names[0] == "advance" and env.action_names[1] == "place on node 0"
    assert info["action_mask"].dtype == np.int8 and info["action_mask"].shape == (env.action_space.n,)

    def value(name):
        return observation[env.feature_names.index(name)]

    assert [value(f"node {node}: is present") for node in range(6)] == [1, 1, 1, 1, 0, 0]
    assert value("service 0: is present") == 1 and value("service 3: is present") == 0
    assert value("is placement") + value("is control") == 1
    env.action_space.seed(3)
    mask, kinds = info["action_mask"], set()
    for _ in range(600):
        assert set(np.unique(mask)) <= {0, 1} and mask.any()
        assert np.array_equal(env.action_masks(), mask == 1) and env.action_masks().dtype == np.bool_
        # Either a pod waits to be placed or none does; time can pass only if not.
        assert (mask[0] == 1) == (value("is control") == 1)
        legal = [f"placement on node {node}: is legal" for node in range(6)]
        assert [value(name) for name in legal] == list(mask[1:7])
        action = env.action_space.sample(mask)
        observation, reward, terminated, truncated, info = env.step(action)
        assert observation in env.observation_space
        assert not info["illegal_action"] and not terminated
        assert info["elapsed"] == (1 if action == 0 else 0) and np.isfinite(reward)
        assert reward == 0 or action == 0
        kinds.add(env.action_names[action].split()[0])
        mask = info["action_mask"]
        if truncated:
            observation, info = env.reset()
            mask = info["action_mask"]
    assert kinds == {"advance", "place", "scale", "resize", "evict"}, kinds


def illegal_actions():
    """An illegal action is an error or replaced by the first legal one, as asked."""
    strict = berth.ClusterEnv(SHORT)
    lenient = gymnasium.make(IDENTIFIER, settings=SHORT).unwrapped
    for env in (strict, lenient):
        raises(berth.BerthError, lambda: env.step(0), "call reset first")
        env.reset(seed=4)
    illegal = int(np.flatnonzero(~strict.action_masks())[0])
    first = int(np.flatnonzero(strict.action_masks())[0])
    raises(berth.ActionError, lambda: strict.step(illegal), f"action {illegal} ", "not legal now")
    replaced = lenient.step(illegal)
    expected = strict.step(first)
    assert replaced[4]["illegal_action"] and not expected[4]["illegal_action"]
    assert data_equivalence(replaced[:4], expected[:4], exact=True)
    for action in (-1, strict.action_space.n, 2**70, 0.5, "advance", None):
        raises(berth.ActionError, lambda: strict.step(action))
        raises(berth.ActionError, lambda: lenient.step(action))
    # Nothing has moved meanwhile.
    action = int(np.flatnonzero(strict.action_masks())[0])
    assert data_equivalence(strict.step(action), lenient.step(action), exact=True)
    raises(ValueError, lambda: berth.ClusterEnv(illegal_action="ignore"), "illegal_action")
    while not strict.step(int(np.flatnonzero(strict.action_masks())[0]))[3]:
        pass
    raises(berth.BerthError, lambda: strict.step(0), "call reset first")


def vector():
    """The vector environment against single ones, through the ends of episodes, by seed."""
    count, steps = 5, 300
    envs = gymnasium.make_vec(IDENTIFIER, num_envs=count, settings=SHORT)
    assert type(envs) is berth.ClusterVectorEnv and envs.num_envs == count
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    reused = berth.ClusterVectorEnv(count, SHORT, illegal_action="noop", copy=False)
    peer = gymnasium.make_vec(
        IDENTIFIER, num_envs=count, settings=SHORT, vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP})
    assert envs.single_observation_space == peer.single_observation_space
    assert envs.observation_space == peer.observation_space and envs.action_space == peer.action_space
    observations, infos = envs.reset(seed=11)
    reused_observations, reused_infos = reused.reset(seed=11)
    expected, expected_infos = peer.reset(seed=11)
    assert data_equivalence(infos, expected_infos, exact=True)
    generator, ends, illegal = np.random.default_rng(5), 0, 0
    for _ in range(steps):
        assert np.array_equal(observations, expected) and np.array_equal(observations, reused_observations)
        assert observations in envs.observation_space
        assert np.array_equal(envs.action_masks(), infos["action_mask"] == 1)
        # Mostly legal actions, some that are not.
        actions = np.array([generator.choice(np.flatnonzero(row)) for row in infos["action_mask"]])
        some = generator.random(count) < 0.1
        actions[some] = generator.integers(envs.single_action_space.n, size=some.sum())
        before, kept = observations, observations.copy()
        observations, rewards, terminated, truncated, infos = envs.step(actions)
        assert np.array_equal(before, kept), "an array that was returned has changed"
        same = reused.step(actions)
        assert same[0] is reused_observations, "copy=False returns the same array"
        expected, peer_rewards, peer_terminated, peer_truncated, peer_infos = peer.step(actions)
        for ours, theirs, again in zip(
            (rewards, terminated, truncated), (peer_rewards, peer_terminated, peer_truncated), same[1:4]
        ):
            assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs) and np.array_equal(ours, again)
        # At an end Gymnasium's own keeps of the step only what is in final_info.
        ended = terminated | truncated
        for key in ("elapsed", "illegal_action"):
            assert infos[f"_{key}"].all()
            merged = np.array(infos[key])
            if ended.any():
                assert np.array_equal(merged[ended], infos["final_info"][key][ended])
                final = peer_infos["final_info"][key][ended]
                assert np.array_equal(merged[ended], final)
            if not ended.all():
                assert np.array_equal(merged[~ended], peer_infos[key][~ended])
        illegal += int(infos["illegal_action"].sum())
        assert np.array_equal(infos["action_mask"], peer_infos["action_mask"])
        assert ("final_obs" in infos) == ("final_obs" in peer_infos) == bool(ended.any())
        if ended.any():
            ends += int(ended.sum())
            for key in ("final_obs", "_final_obs", "final_info", "_final_info"):
                assert data_equivalence(infos[key], peer_infos[key], exact=True), key
    assert ends > 2 * count and illegal > 0, (ends, illegal)

    raises(berth.ActionError, lambda: envs.step(np.zeros(count - 1, int)), f"expected {count}")
    raises(berth.ActionError, lambda: envs.step(np.zeros(count)), "float64")
    raises(ValueError, lambda: envs.reset(seed=[1]), f"expected {count} seeds")
    raises(ValueError, lambda: envs.reset(seed=[-1] * count), "0 or more")
    strict = berth.ClusterVectorEnv(3, SHORT)
    before, infos = strict.reset(seed=[7, 8, 7])
    assert np.array_equal(before[0], before[2]) and not np.array_equal(before[0], before[1])
    actions = infos["action_mask"].argmax(axis=1)
    wrong = actions.copy()
    wrong[2] = infos["action_mask"][2].argmin()
    raises(berth.ActionError, lambda: strict.step(wrong), "environment 2: action")
    assert np.array_equal(strict.action_masks(), infos["action_mask"] == 1)
    after = strict.step(actions)
    again = berth.ClusterVectorEnv(3, SHORT)
    again.reset(seed=[7, 8, 7])
    assert data_equivalence(after, again.step(actions), exact=True), "an illegal action moved an environment"
    for env in (envs, reused, peer, strict, again):
        env.close()


def seeds():
    """Equal seeds give equal episodes, and without a seed they differ."""
    first, second = (gymnasium.make(IDENTIFIER, settings=SHORT) for _ in range(2))
    assert np.array_equal(first.reset(seed=2**40)[0], second.reset(seed=2**40)[0])
    assert np.array_equal(first.reset()[0], second.reset()[0]), "both go on from the same seed"
    assert not np.array_equal(first.reset()[0], first.reset()[0])
    first, second = (gymnasium.make(IDENTIFIER, settings=SHORT) for _ in range(2))
    assert not np.array_equal(first.reset()[0], second.reset()[0]), "no seed was given"
    one, other = (gymnasium.make_vec(IDENTIFIER, num_envs=2) for _ in range(2))
    assert not np.array_equal(one.reset()[0], other.reset()[0])


def settings():
    """Settings in every form, and what wrong ones raise."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "cluster.yaml").write_text("nodes: {count: 6}\nservices: {count: 2}\n")
        Path(folder, "env.yaml").write_text("simulatorFile: cluster.yaml\nepisode: {intervals: 3}\n")
        forms = [
            "simulator: {nodes: {count: 6}, services: {count: 2}}\nepisode: {intervals: 3}\n",
            {"simulator": {"nodes": {"count": 6}, "services": {"count": [2, 2]}}, "episode": {"intervals": 3}},
            os.path.join(folder, "env.yaml"),
            Path(folder, "env.yaml"),
        ]
        results = []
        for form in forms:
            env = berth.ClusterEnv(form)
            results.append((env.observation_space, env.action_names, env.reset(seed=9)[0].tolist()))
        assert all(result == results[0] for result in results)
        assert "place on node 5" in results[0][1] and "place on node 6" not in results[0][1]
    for wrong, *texts in [
        ("simulator: {nodes: {cuont: 3}}", "simulator.nodes.cuont", "did you mean count?"),
        ({"episode": {"intervals": 0}}, "episode.intervals"),
        ({"episode": {"actions": {"largestReplicaChange": 2.5}}}, "episode.actions.largestReplicaChange"),
        ({"view": {"nodes": 3}}, "view.nodes", "at least 4", "leave it out"),
        ({"simulator": {"nodes": {"count": 2000}}}, "simulator.nodes.count", "1024"),
        ({"simulator": {"warmup": 1}, "simulatorFile": "a.yaml"}, "simulatorFile"),
        ({"simulatorFile": "missing.yaml"}, "missing.yaml", "no such file"),
        ({"simulator": {"interval": float("nan")}}, "YAML"),
        ("kind: cluster", "kind", "unknown key"),
        ("nodes: [", "YAML"),
        (Path("/nowhere/env.yaml"), "/nowhere/env.yaml"),
    ]:
        for make in (berth.ClusterEnv, lambda settings: gymnasium.make(IDENTIFIER, settings=settings)):
            raises(berth.SettingsError, lambda: make(wrong), *texts)
    raises(ValueError, lambda: berth.ClusterVectorEnv(0), "found 0")
    raises(berth.SettingsError, lambda: berth.ClusterVectorEnv(100_000), "65536")


def closing():
    """Closing twice is fine, using what is closed is an error."""
    env = gymnasium.make(IDENTIFIER)
    env.reset(seed=0)
    env.close()
    env.close()
    raises(berth.BerthError, lambda: env.unwrapped.step(0), "closed")
    raises(berth.BerthError, lambda: env.unwrapped.reset(), "closed")
    envs = gymnasium.make_vec(IDENTIFIER, num_envs=2)
    envs.reset(seed=0)
    envs.close()
    envs.close()
    raises(berth.BerthError, lambda: envs.step(np.zeros(2, int)), "closed")


def interface():
    """The C interface refuses what is wrong, and does not crash."""
    library = _library.load()
    null = ctypes.c_void_p()

    def fails(result, *texts):
        assert result in (-1, 0, 1, 2)
        message = library.berth_env_last_error().decode()
        for text in texts:
            assert text in message, message

    assert library.berth_env_interface_version() == 1
    for handle in (0, -1, 12345, 2**62):
        assert library.berth_env_count(handle) == library.berth_env_action_count(handle) == -1
        assert library.berth_env_observation_width(handle) == -1
        fails(library.berth_env_reset(handle, null, null, null), f"the handle {handle}")
        fails(library.berth_env_step(handle, null, 0, *[null] * 9))
        assert library.berth_env_close(handle) == 0
    for arguments, text in [
        ((b"", -1, None, 1), "-1 bytes"),
        ((b"", 2**40, None, 1), "bytes long"),
        ((None, 5, None, 1), "settings is NULL"),
        ((b"\xff\xfe", 2, None, 1), "UTF-8"),
        ((b"", 0, None, 0), "0 environments"),
        ((b"", 0, None, 2**40), "environments"),
        ((b"a: b", 4, b"\xff", 1), "unknown key"),
    ]:
        assert library.berth_env_create(*arguments) == 0
        fails(0, text)
    handle = library.berth_env_create(None, 0, None, 2)
    assert handle > 0 and library.berth_env_count(handle) == 2
    width, actions = library.berth_env_observation_width(handle), library.berth_env_action_count(handle)
    memory = {
        "observations": np.full(2 * width + 1, 77, np.float32), "rewards": np.zeros(2),
        "terminated": np.zeros(2, np.uint8), "truncated": np.zeros(2, np.uint8),
        "masks": np.full(2 * actions + 1, 77, np.uint8),
    }
    chosen = np.zeros(2, np.int64)
    addresses = {name: array.ctypes.data for name, array in memory.items()}

    def step(flags=2, **changes):
        given = {"actions": chosen.ctypes.data, **addresses, **changes}
        return library.berth_env_step(handle, given.pop("actions"), flags, *given.values(), *[null] * 4)

    assert step() == 1
    fails(1, "environment 0", "call reset first")
    for name in ("observations", "masks"):
        given = {"observations": addresses["observations"], "masks": addresses["masks"], name: null}
        assert library.berth_env_reset(handle, null, *given.values()) == 1
        fails(1, f"{name} is NULL")
    assert library.berth_env_reset(handle, null, addresses["observations"], addresses["masks"]) == 0
    for name in ("actions", *memory):
        assert step(**{name: null}) == 1
        fails(1, f"{name} is NULL")
    assert step(flags=4) == 1
    fails(1, "flags 4")
    assert step(flags=-1) == 1
    for action in (-1, actions, 2**63 - 1, -(2**63)):
        chosen[1] = action
        assert step() == 2
        fails(2, "environment 1", f"no action {action}")
    chosen[1] = 0
    assert step() == 0
    assert memory["observations"][-1] == 77 and memory["masks"][-1] == 77, "written past the end"
    text = ctypes.create_string_buffer(8)
    assert library.berth_env_action_names(handle, text, 8) > 8 and text.value == b"advance"
    assert library.berth_env_close(handle) == 0 and library.berth_env_close(handle) == 0
    assert step() == 1


def finding():
    """What is said when the library is not there."""
    program = "import berth\ntry: berth.ClusterEnv()\nexcept berth.LibraryError as error: print(error)"
    for value, *texts in [
        ("/nowhere/libberthenv.so", "/nowhere", "swift build -c release --product berthenv"),
        (__file__, "cannot be loaded"),
    ]:
        output = subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "BERTH_LIBRARY": value}, check=True,
            capture_output=True, text=True).stdout
        for text in texts:
            assert text in output, output


def _train(algorithm, env):
    import torch

    torch.set_num_threads(1)
    model = algorithm("MlpPolicy", env, n_steps=512, batch_size=128, n_epochs=2, seed=0, device="cpu")
    before = [parameter.detach().clone() for parameter in model.policy.parameters()]
    model.learn(2_048)
    assert model.num_timesteps == 2_048
    parameters = list(model.policy.parameters())
    assert all(torch.isfinite(parameter).all() for parameter in parameters)
    assert any(not torch.equal(old, new) for old, new in zip(before, parameters))
    returns = [episode["r"] for episode in model.ep_info_buffer]
    assert returns and np.isfinite(returns).all()
    return model


def ppo():
    """Stable-Baselines3's PPO, which knows no masks."""
    from stable_baselines3 import PPO

    env = gymnasium.make(IDENTIFIER, settings=SHORT)
    _train(PPO, env)


def maskable_ppo():
    """sb3-contrib's MaskablePPO, which never takes an illegal action: the environment would raise."""
    from sb3_contrib import MaskablePPO

    env = gymnasium.make(IDENTIFIER, settings=SHORT, illegal_action="raise")
    model = _train(MaskablePPO, env)
    observation, _ = env.reset(seed=1)
    for _ in range(50):
        masks = env.get_wrapper_attr("action_masks")()
        action, _ = model.predict(observation, action_masks=masks, deterministic=True)
        observation, _, _, truncated, _ = env.step(action)
        if truncated:
            observation, _ = env.reset()


CHECKS = {
    "version": lambda: print(berth.__version__),
    "gymnasium": gymnasium_check,
    "spaces": spaces,
    "illegal-actions": illegal_actions,
    "vector": vector,
    "seeds": seeds,
    "settings": settings,
    "closing": closing,
    "interface": interface,
    "finding": finding,
    "ppo": ppo,
    "maskable-ppo": maskable_ppo,
}

if __name__ == "__main__":
    names = sys.argv[1:] or list(CHECKS)
    for name in names:
        CHECKS[name]()
    if len(names) > 1:
        print(json.dumps({"passed": names}))
