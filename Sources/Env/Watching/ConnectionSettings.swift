import Windows
public import Kubernetes
public import Settings
import Telemetry

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

/// How usage is measured: from each kubelet's cadvisor, through the API server or as a Prometheus server has scraped it;
/// from each node's PCM where there is one; and from its node-exporter where cadvisor says nothing of the node.
public struct UsageSettings: Configurable, Equatable {
    /// Seconds from one scrape of a node to the next; 0 switches scraping off.
    public var interval = 10.0
    /// Seconds after which a measurement counts as missing.
    public var maximumAge = 60.0
    /// Whether several nodes share a machine, as Minikube's do: what PCM and node-exporter measure of it is then no
    /// node's, and counts as missing. A `nodeCgroup` with {node} says so too.
    public var shared = false
    /// The cgroup that stands for a node: "/" where a node is a machine, or sees its own cgroup as the root. "{node}"
    /// stands for the node's name where several nodes share one.
    public var nodeCgroup = "/"
    /// The Prometheus server that is asked for cadvisor's figures instead of the kubelets.
    public var prometheus = PrometheusSettings()
    /// The nodes' PCM.
    public var pcm = PCMSettings()
    /// The nodes' node-exporter.
    public var nodeExporter = NodeExporterSettings()

    /// The defaults: the kubelets alone, and every node is a machine.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("interval", interval, in: 0...3_600)
        try require("maximumAge", maximumAge, above: 0)
        try require("nodeCgroup", nodeCgroup.hasPrefix("/"), must: "start with '/'")
    }

    /// What of its machine `node` is.
    public func scope(of node: String) -> NodeScope {
        NodeScope(node: node, pattern: nodeCgroup, isShared: shared)
    }
}

/// A Prometheus server that scrapes the kubelets' cadvisor.
public struct PrometheusSettings: Configurable, Equatable {
    /// Its address. Empty: the kubelets are asked themselves, through the API server.
    public var url = ""
    /// What tells a node's series from others', with {node} for its name.
    public var nodeSelector = #"node="{node}""#
    /// Seconds of samples that it is asked for: at least one scrape must fit in.
    public var range = 60

    /// No server.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("url", isAddress(url), must: "begin with http:// or https://, or be empty, found '\(url)'")
        try require("nodeSelector", nodeSelector.contains("{node}"), must: "contain {node}")
        try require("range", range, in: 1...3_600)
    }
}

/// A pcm-sensor-server on every node.
public struct PCMSettings: Configurable, Equatable {
    /// Its address, with {node} for the node's name, such as http://{node}:9738. Empty: there is none, and what it would
    /// measure is missing.
    public var url = ""
    /// The window that it is asked for, in seconds.
    public var seconds = 20
    /// Peak memory bandwidth of a node in GB/s, which measured bandwidth is compared with; 0 where it is not known.
    public var peakBandwidthGB = 0.0

    /// No PCM.
    public init() {}

    /// Peak memory bandwidth of a node in bytes/s; `nil` where it is not known.
    public var peakBandwidth: Double? { peakBandwidthGB > 0 ? peakBandwidthGB * 1e9 : nil }

    public func validate() throws(SettingsError) {
        try require("url", isAddress(url), must: "begin with http:// or https://, or be empty, found '\(url)'")
        try require("url", url.isEmpty || url.contains("{node}"), must: "contain {node}")
        try require("seconds", seconds, in: 1...29)
        try require("peakBandwidthGB", peakBandwidthGB, in: 0...1e6)
    }
}

/// A node-exporter on every node, which is asked where cadvisor gives no CPU or memory of the node.
public struct NodeExporterSettings: Configurable, Equatable {
    /// Its metrics page, with {node} for the node's name, such as http://{node}:9100/metrics. Empty: there is none, and
    /// what cadvisor does not give is missing.
    public var url = ""

    /// No node-exporter.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("url", isAddress(url), must: "begin with http:// or https://, or be empty, found '\(url)'")
        try require("url", url.isEmpty || url.contains("{node}"), must: "contain {node}")
    }
}

private func isAddress(_ text: String) -> Bool {
    text.isEmpty || text.hasPrefix("http://") || text.hasPrefix("https://")
}
