/// What the p99s of one window say of each other: those of a service on other nodes, and of others on a node.
///
/// What slows a node in a window without showing in its CPU (cache misses of a neighbour, a hypervisor that takes the CPU
/// away) slows all services on it.
struct WindowLatencies {
    private typealias Row = PredictionDataset.Row

    private let byService: [String: [Row]]
    private let byNode: [String: [Row]]

    /// Cost: O(rows).
    /// - Parameter rows: all of one window of an episode.
    init(_ rows: some Sequence<PredictionDataset.Row>) {
        // What is no latency is refused before training; it must not spread to other rows before that.
        let sound = rows.filter { $0.p99 > 0 && $0.p99 < 3600 && $0.requests > 0 }
        byService = Dictionary(grouping: sound, by: \.service)
        byNode = Dictionary(grouping: sound, by: \.node)
    }

    /// p99 of the row's service on other nodes, the mean by requests; `nil` where none was measured.
    func p99Elsewhere(of row: PredictionDataset.Row) -> Double? {
        let others = (byService[row.service] ?? []).lazy.filter { $0.node != row.node }
        let requests = others.reduce(0) { $0 + $1.requests }
        return requests > 0 ? others.reduce(0) { $0 + $1.requests * $1.p99 } / requests : nil
    }

    /// Greatest p99 / objective of another service on the row's node; `nil` where none was measured.
    func neighbourRisk(of row: PredictionDataset.Row) -> Double? {
        (byNode[row.node] ?? []).lazy.filter { $0.service != row.service && $0.objective > 0 }
            .map { $0.p99 / $0.objective }.max()
    }
}
