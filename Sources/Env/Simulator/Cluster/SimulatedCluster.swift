public import Cluster
import Randomness
public import Settings
import Workloads

/// A model of a Kubernetes cluster under load, with nodes, services, batch jobs and telemetry.
///
/// Time goes in control intervals. In each one every replica is a queue (`ReplicaQueue`) whose speed follows from what
/// else runs on its node; nothing is simulated request by request. A value: copies go separate ways, and a decoded copy
/// goes on bit for bit as the original would.
///
/// The same seed draws the same cluster, load, batch jobs and losses of nodes whatever is done in the episode, so that
/// policies can be compared on equal terms.
public struct SimulatedCluster: ClusterBackend, Sendable {
    /// The family of clusters that episodes are drawn from.
    public let settings: SimulatorSettings
    /// Whether `IntervalReport.nodes` is filled in, which makes an interval take about twice as long. Not stored.
    public var reportsNodes = false
    var state: EpisodeState
    var scratch = Scratch()
    /// Traces of the load patterns, in the patterns' order; `nil` for other patterns.
    let traces: [LoadTrace?]

    /// A cluster whose first episode begins with `reset`.
    /// - Throws: `SettingsError` for settings that make no sense or a trace that cannot be read.
    public init(settings: SimulatorSettings) throws(SettingsError) {
        // Written and read again: that checks nested settings too, and names the key that is wrong.
        _ = try SimulatorSettings.decode(yaml: settings.yaml())
        self.settings = settings
        traces = try Self.loadTraces(settings)
        state = EpisodeState(settings)
    }

    /// A cluster of settings that are known to be valid and have no trace: without the check, which takes a hundred times
    /// as long as an interval.
    package init(valid settings: SimulatorSettings) {
        self.settings = settings
        traces = settings.services.patterns.map { _ in nil }
        state = EpisodeState(settings)
    }

    private static func loadTraces(_ settings: SimulatorSettings) throws(SettingsError) -> [LoadTrace?] {
        var traces: [LoadTrace?] = []
        for pattern in settings.services.patterns {
            if case .trace(let trace) = pattern {
                traces.append(try LoadTrace(path: trace.path))
            } else {
                traces.append(nil)
            }
        }
        return traces
    }

    /// What is known now: telemetry as it was measured, everything else as it is.
    public var snapshot: ClusterSnapshot {
        _read { yield state.snapshot }
    }
}

/// A decoded cluster goes on as the original would. Trace files are read again.
extension SimulatedCluster: Codable {
    private enum CodingKeys: String, CodingKey {
        case settings, state
    }

    /// Reads a stored cluster.
    /// - Throws: also `SettingsError` when a trace file is not there any more.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(settings: container.decode(SimulatorSettings.self, forKey: .settings))
        state = try container.decode(EpisodeState.self, forKey: .state)
    }

    /// Writes the settings and the state of the episode.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(settings, forKey: .settings)
        try container.encode(state, forKey: .state)
    }
}

/// Why a simulated cluster cannot do what was asked: an error of the caller, not a refusal of the cluster.
public struct SimulatorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wrong.
    public let description: String

    init(_ description: String) { self.description = description }

    static let needsReset = SimulatorError("no episode has begun: call reset(seed:) first")
}
