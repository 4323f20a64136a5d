public import Settings
public import Workloads

/// A family of simulated clusters: every episode draws one of it.
public struct SimulatorSettings: Configurable, Equatable {
    /// Length of the control interval in seconds.
    public var interval = 20.0
    /// Intervals that pass before an episode begins, so that it begins with measurements and in steady operation.
    public var warmup = 2
    /// Seconds that an action takes before what it begins begins: the API server's answer and the watch's.
    public var actionSeconds = ValueRange(0.05, 0.3)
    /// Seconds that a trace pattern lasts before it repeats; at least the length of an episode.
    public var horizon = 3600.0
    /// The nodes.
    public var nodes = NodeSettings()
    /// The services and their load.
    public var services = ServiceSettings()
    /// The batch jobs.
    public var interference = InterferenceSettings()
    /// How shared resources slow their users down.
    public var contention = ContentionSettings()
    /// What is measured.
    public var telemetry = TelemetrySettings()

    /// Four unequal nodes, two or three services, batch jobs.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("interval", interval, in: 0.1...3600)
        try require("warmup", warmup, in: 0...1000)
        try require("actionSeconds", actionSeconds, in: 0...3600)
        try require("horizon", horizon, in: 0.1...1e7)
    }

    /// The scene that `berth bench simulator` measures: services of three replicas each under a random load, batch
    /// jobs, and noisy telemetry from every source, in steady operation.
    public static func benchmark(nodes: Int, services: Int) -> SimulatorSettings {
        var settings = SimulatorSettings()
        settings.nodes.count = ValueRange(Double(nodes))
        settings.services.count = ValueRange(Double(services))
        var kind = ServiceKind()
        kind.replicas = ValueRange(3)
        kind.cpuRequest = ValueRange(1)
        // About 55 % of what three replicas request, well within what three nodes can give.
        kind.meanServiceTime = ValueRange(0.03)
        kind.rate = ValueRange(55)
        settings.services.kinds = [kind]
        settings.services.patterns = [.random(RandomLoad())]
        return settings
    }
}
