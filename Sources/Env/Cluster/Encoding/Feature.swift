/// A feature of an observation: its name, and who fills it.
public struct Feature: Sendable, Hashable {
    /// Where a feature's value comes from.
    public enum Source: String, Sendable, Hashable, CaseIterable {
        /// The decision or the action itself.
        case decision
        /// Objects of the API server: nodes, pods, Deployments, disruption budgets.
        case objects
        /// CPU and memory in use, by cgroup.
        case usage
        /// The processor's own counters.
        case pcm
        /// Whoever counts a service's requests.
        case requests
        /// A trained predictor of latencies.
        case predictor

        /// Who fills it in a simulated episode.
        public var inSimulator: String {
            switch self {
            case .decision: "the environment"
            case .objects: "the simulated objects"
            case .usage: "scrapes of simulated counters (`telemetry.node`, `telemetry.pod`)"
            case .pcm: "simulated windows (`telemetry.pcm`)"
            case .requests: "counts of each interval (`telemetry.service`)"
            case .predictor: "the run's predictor, if it has one"
            }
        }

        /// Who fills it in a live episode.
        public var inLiveEpisodes: String {
            switch self {
            case .decision: "the environment"
            case .objects: "the watch of nodes, pods, Deployments, PodDisruptionBudgets"
            case .usage: "cadvisor, else node-exporter (`usage`)"
            case .pcm: "pcm-sensor-server (`usage.pcm`)"
            case .requests: "the load generator, or Prometheus in its place (`serviceMetrics`)"
            case .predictor: "the run's predictor, if it has one"
            }
        }

        /// Who fills it in the extender.
        public var inExtender: String {
            switch self {
            case .decision: "the scheduler's request"
            case .objects: "the watch of nodes, pods, PodDisruptionBudgets"
            case .usage: "cadvisor, else node-exporter (`telemetry`)"
            case .pcm: "pcm-sensor-server (`telemetry.pcm`)"
            case .requests: "Prometheus (`services`), if configured"
            case .predictor: "the policy's predictor, if it has one"
            }
        }
    }

    /// Its name, as in the schema.
    public let name: String
    /// Who fills it.
    public let source: Source

    /// A feature.
    public init(_ name: String, _ source: Source) {
        self.name = name
        self.source = source
    }
}

extension ObservationEncoder {
    /// All features by the part of an observation that they stand in, those with a predictor too.
    public static let features: [(part: String, features: [Feature])] = [
        ("Node", nodeFeatures), ("Service", serviceFeatures), ("Cluster", clusterFeatures),
        ("Candidate", actionFeatures), ("Predictions", predictionFeatures),
    ]

    /// Who fills what, as a Markdown table: docs/observations.md holds it.
    public static var sourcesTable: String {
        var lines = [
            "| source | features | simulator | live episodes | extender |", "|---|---|---|---|---|",
        ]
        for source in Feature.Source.allCases {
            let names = features.compactMap { part, features -> String? in
                let own = features.filter { $0.source == source }.map { "`\($0.name)`" }
                return own.isEmpty ? nil : "\(part): " + own.joined(separator: ", ")
            }
            lines.append(
                "| \(source.rawValue) | \(names.joined(separator: "; ")) | \(source.inSimulator) | "
                    + "\(source.inLiveEpisodes) | \(source.inExtender) |")
        }
        return lines.joined(separator: "\n")
    }
}
