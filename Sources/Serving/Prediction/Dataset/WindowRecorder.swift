import Windows
public import Cluster

/// Turns the windows of episodes into rows of a data set.
public struct WindowRecorder: Sendable {
    /// What has been recorded.
    public private(set) var dataset: PredictionDataset
    /// Windows of a service on a node with fewer requests are left out: their p99 is that of a few.
    public let minimumRequests: Double
    /// How many those were.
    public private(set) var leftOut = 0
    /// Windows of a service on a node that were left out because its replicas there changed meanwhile.
    public private(set) var changed = 0
    private var episode = -1
    private var seed: UInt64 = 0
    private var window = 0
    private var before: ClusterSnapshot?
    /// The p99s that were recorded of the window before, by the names of node and service.
    private var latenciesBefore: [[String]: Double] = [:]

    /// A recorder that goes on with a data set.
    public init(_ dataset: PredictionDataset, minimumRequests: Double = 100) {
        self.dataset = dataset
        self.minimumRequests = minimumRequests
    }

    /// Begins an episode.
    /// - Parameters:
    ///   - episode: a number that no other of the data set has.
    ///   - seed: of its load and interference.
    ///   - snapshot: what is known at its beginning.
    public mutating func begin(episode: Int, seed: UInt64, _ snapshot: ClusterSnapshot) {
        (self.episode, self.seed, window, before) = (episode, seed, 0, snapshot)
        latenciesBefore = [:]
    }

    /// Records a window, unless the cluster could not go on in it.
    /// - Parameters:
    ///   - report: what happened in it.
    ///   - snapshot: what is known at its end.
    ///   - time: when that was, in seconds since 1970; 0 for a simulated window.
    /// - Throws: `PredictionError` for a report that does not tell nodes apart.
    public mutating func record(_ report: IntervalReport, _ snapshot: ClusterSnapshot, time: Double = 0) throws {
        var latencies: [[String]: Double] = [:]
        defer {
            before = snapshot
            latenciesBefore = latencies
            window += 1
        }
        guard report.failure == nil else { return }
        guard let nodes = report.nodes else {
            throw PredictionError(
                .unusableData,
                "the latencies of nodes cannot be told apart: send the load to the pods (route: pods), not to the service"
            )
        }
        var rows: [(row: PredictionDataset.Row, interval: NodeInterval)] = []
        for interval in nodes {
            guard interval.requests >= minimumRequests else {
                leftOut += 1
                continue
            }
            // What the window's end shows has to be what its requests met.
            let replicas = Self.replicas(interval, snapshot)
            guard replicas > 0, before.map({ Self.replicas(interval, $0) == replicas }) ?? true else {
                changed += 1
                continue
            }
            let (node, service) = (snapshot.nodes[interval.node], snapshot.services[interval.service])
            let ages = [node.cpuUsage, node.memoryUsage, node.memoryBandwidth, service.arrivalRate, service.cpuUsage]
            let row = PredictionDataset.Row(
                episode: episode, seed: seed, window: window, time: time, node: node.name, service: service.name,
                requests: interval.requests, age: ages.compactMap { $0?.age(at: snapshot.time) }.max() ?? 0,
                objective: service.latencyObjective, p99: interval.latencyP99)
            rows.append((row: row, interval: interval))
            latencies[[node.name, service.name]] = interval.latencyP99
        }
        let others = WindowLatencies(rows.map(\.row))
        for (row, interval) in rows {
            dataset.append(
                row,
                features: PredictionFeature.row(
                    service: interval.service, node: interval.node, in: snapshot, before: before,
                    p99Before: latenciesBefore[[row.node, row.service]],
                    requestRate: interval.requests / report.duration, p99Elsewhere: others.p99Elsewhere(of: row),
                    neighbourRisk: others.neighbourRisk(of: row)))
        }
    }

    /// Ready replicas of a service on a node.
    private static func replicas(_ interval: NodeInterval, _ snapshot: ClusterSnapshot) -> Int {
        snapshot.pods.count { $0.service == interval.service && $0.node == interval.node && $0.phase == .ready }
    }
}
