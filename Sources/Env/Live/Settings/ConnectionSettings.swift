public import Kubernetes
public import Settings

/// Which cluster is meant.
public struct KubernetesSettings: Configurable, Equatable {
    /// A kubeconfig's path. Empty: as kubectl finds it, or the pod's service account inside a cluster.
    public var kubeconfig = ""
    /// The kubeconfig's context. Empty: its current context.
    public var context = ""

    /// The cluster that kubectl would use.
    public init() {}

    /// Where the cluster is and how to prove one's identity to it.
    /// - Throws: `AccessError` naming the file and key at fault.
    public func access() throws -> ClusterAccess {
        try ClusterAccess.discover(
            kubeconfig: kubeconfig.isEmpty ? nil : kubeconfig, context: context.isEmpty ? nil : context)
    }
}

/// How usage is measured: from each kubelet's cadvisor, through the API server.
public struct UsageSettings: Configurable, Equatable {
    /// Seconds from one scrape of a node to the next; 0 switches scraping off.
    public var interval = 10.0
    /// Seconds after which a measurement counts as missing.
    public var maximumAge = 60.0
    /// The cgroup that stands for a node: "/" where a node is a machine. "{node}" stands for the node's name where
    /// several nodes share one.
    public var nodeCgroup = "/"

    /// The defaults.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("interval", interval, in: 0...3_600)
        try require("maximumAge", maximumAge, above: 0)
        try require("nodeCgroup", nodeCgroup.hasPrefix("/"), must: "start with '/'")
    }
}
