"""Berth's simulated Kubernetes clusters as Gymnasium environments.

Importing this package registers ``berth/Cluster-v0``:

    import berth, gymnasium

    env = gymnasium.make("berth/Cluster-v0")
    envs = gymnasium.make_vec("berth/Cluster-v0", num_envs=64)

Environments made by name replace an illegal action by the first legal one, because agents without masks, and
Gymnasium's own checks, draw any action; ``illegal_action="raise"`` makes it an error, which is what the classes do
unless set otherwise.
"""

import gymnasium

from berth._library import ActionError, BerthError, LibraryError, SettingsError
from berth.cluster import ClusterEnv
from berth.vector import ClusterVectorEnv

__all__ = ["ActionError", "BerthError", "ClusterEnv", "ClusterVectorEnv", "LibraryError", "SettingsError"]
__version__ = "0.1.0"

gymnasium.register(
    id="berth/Cluster-v0",
    entry_point="berth.cluster:ClusterEnv",
    vector_entry_point="berth.vector:ClusterVectorEnv",
    kwargs={"illegal_action": "noop"},
)
