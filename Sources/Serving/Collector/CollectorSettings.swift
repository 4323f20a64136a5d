import Windows
public import Settings
import Telemetry

/// What `berth collect` reads from its configuration file. Durations are in seconds.
public struct CollectorSettings: Configurable, Equatable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 lets the system choose.
    public var port = 8687
    /// The length of a window. PCM keeps no more than 29 s.
    public var length = 20
    /// Seconds after which a value counts as missing.
    public var maximumAge = 60.0
    /// How long a finished window is handed out.
    public var keepSeconds = 3_600.0
    /// Seconds for a request to a source.
    public var timeout = 5.0
    /// What of its machine each node is.
    public var scope = ScopeSettings()
    /// The machine that the collector runs on.
    public var local = LocalSettings()
    /// Sources that are asked over the network, for any node.
    public var remote = RemoteSettings()

    /// The defaults: they measure nothing, for neither `local.node` nor a remote source is named.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("host", notEmpty: host)
        try require("port", port, in: 0...65_535)
        try require("length", length, in: PCMEndpoint.windows)
        try require("maximumAge", maximumAge >= Double(length), must: "be at least the window's length, \(length)")
        try require("keepSeconds", keepSeconds, above: 0)
        try require("timeout", timeout, above: 0)
        try require(
            "local.node", !local.node.isEmpty || remote.cadvisor || !remote.prometheus.isEmpty,
            must: "name this machine's node unless remote.cadvisor or remote.prometheus is set: nothing is measured")
    }
}

/// What of its machine each node is.
public struct ScopeSettings: Configurable, Equatable {
    /// Whether several nodes share a machine: what is measured of the machine then counts as missing. A `nodeCgroup`
    /// with {node} says so too.
    public var shared = false
    /// The cgroup that stands for a node, with {node} for its name where several share a machine.
    public var nodeCgroup = "/"
    /// The CPUs that nodes are pinned to, by the node's name; a node that is not named shares all.
    public var processors: [String: [Int]] = [:]

    /// Every node is a machine.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("nodeCgroup", nodeCgroup.hasPrefix("/"), must: "start with '/'")
        try require(
            "nodeCgroup", !shared || nodeCgroup.contains("{node}"),
            must: "contain {node} where shared is true: each node has a cgroup of its own")
        for (node, list) in processors {
            try require("processors.\(node)", notEmpty: list)
            try require("processors.\(node)", each: list, in: 0...)
        }
    }

    /// What of its machine `node` is.
    public func scope(of node: String) -> NodeScope {
        NodeScope(node: node, pattern: nodeCgroup, isShared: shared, processors: processors[node].map(Set.init))
    }
}

/// The machine that the collector runs on.
public struct LocalSettings: Configurable, Equatable {
    /// The node that this machine is. Empty: this machine is not measured.
    public var node = ""
    /// The kernel's /proc, or where the host's is mounted.
    public var proc = "/proc"
    /// The address of its pcm-sensor-server. Empty: there is none.
    public var pcm = "http://127.0.0.1:9738"
    /// A file that `pcm LENGTH -csv=FILE` writes, read in place of the server, with the window's length. Empty: none.
    public var pcmFile = ""

    /// No node.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("node", node.isEmpty || NodeName.isValid(node), must: "be a node's name, found '\(node)'")
        try require("proc", proc.hasPrefix("/"), must: "be an absolute path")
        try requireURL("pcm", pcm)
        try require("pcmFile", pcmFile.isEmpty || pcmFile.hasPrefix("/"), must: "be an absolute path, or empty")
    }
}

/// Sources that are asked over the network.
public struct RemoteSettings: Configurable, Equatable {
    /// Whether the kubelets' cadvisor is scraped through the API server.
    public var cadvisor = false
    /// A kubeconfig's path. Empty: as kubectl finds it, or the pod's service account inside a cluster.
    public var kubeconfig = ""
    /// The kubeconfig's context. Empty: its current context.
    public var context = ""
    /// A Prometheus server's address. Empty: none is asked.
    public var prometheus = ""
    /// What tells a node's series of node-exporter and PCM from others', with {node} for its name.
    public var nodeSelector = #"node="{node}""#
    /// Seconds of samples that Prometheus is asked for; at least two scrapes must fit in.
    public var range = 60

    /// No source.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try requireURL("prometheus", prometheus)
        try require("nodeSelector", nodeSelector.contains("{node}"), must: "contain {node}")
        try require("range", range, in: 1...3_600)
    }
}

extension Configurable {
    /// Refuses a text that is neither empty nor an address of HTTP.
    fileprivate func requireURL(_ key: String, _ text: String) throws(SettingsError) {
        try require(
            key, text.isEmpty || text.hasPrefix("http://") || text.hasPrefix("https://"),
            must: "begin with http:// or https://, or be empty, found '\(text)'")
    }
}

/// Names of nodes, as Kubernetes allows them.
enum NodeName {
    /// Whether `name` is a DNS subdomain (RFC 1123): safe to put into a path or a selector.
    static func isValid(_ name: String) -> Bool {
        (1...253).contains(name.utf8.count)
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                !label.isEmpty && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy {
                        $0 == UInt8(ascii: "-") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    }
            }
    }
}
