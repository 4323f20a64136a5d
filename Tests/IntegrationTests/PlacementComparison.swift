import Foundation

/// One service's latency under two schedulers, measured in pairs of rounds with the same arrivals.
struct PlacementComparison: Codable {
    /// What the load generator measured in one round; scripts/testbed/load.py says how.
    struct Load: Codable {
        var requests: Int
        var failed: Int
        var lateP99: Double
        /// When each request was due, in seconds from the round's start.
        var due: [Double]
        /// Which replica each went to: an index into the round's nodes.
        var replicas: [Int]
        /// What each took from then on, in milliseconds.
        var latencies: [Double]

        enum CodingKeys: String, CodingKey {
            case requests, failed
            case lateP99 = "late_p99_ms"
            case due = "due_s"
            case replicas = "url"
            case latencies = "latency_ms"
        }
    }

    /// The load on one placement.
    struct Round: Codable {
        /// The node of every replica.
        var nodes: [String]
        var load: Load
    }

    /// A round each with the same arrivals, one right after the other.
    struct Pair: Codable {
        var seed: Int
        var policy: Round
        var standard: Round

        /// The policy's p99 less the default scheduler's, in milliseconds.
        var difference: Double {
            PlacementComparison.quantile(policy.load.latencies, 0.99)
                - PlacementComparison.quantile(standard.load.latencies, 0.99)
        }
    }

    var pairs: [Pair] = []

    /// The smallest of `values` that at least `share` of them do not exceed (the nearest rank).
    ///
    /// - Precondition: `values` is not empty.
    static func quantile(_ values: [Double], _ share: Double) -> Double {
        values.sorted()[max(0, Int((share * Double(values.count)).rounded(.up)) - 1)]
    }

    /// The mean of `values` and its 95 % percentile bootstrap interval, exactly: over every one of the n^n resamples.
    ///
    /// - Precondition: 1 to 7 values; their resamples are counted one by one.
    static func interval(_ values: [Double]) -> (mean: Double, low: Double, high: Double) {
        precondition((1...7).contains(values.count))
        var sums = [0.0]
        for _ in values { sums = sums.flatMap { sum in values.map { sum + $0 } } }
        let means = sums.map { $0 / Double(values.count) }
        return (values.reduce(0, +) / Double(values.count), quantile(means, 0.025), quantile(means, 0.975))
    }
}

extension PlacementComparison: CustomStringConvertible {
    var description: String {
        var lines = pairs.map { pair in
            """
            seed \(pair.seed): policy on \(Self.spread(pair.policy.nodes)): \(Self.latency([pair.policy])); \
            default scheduler on \(Self.spread(pair.standard.nodes)): \(Self.latency([pair.standard])); \
            p99 \(Self.text(pair.difference, signed: true)) ms
            """
        }
        for (node, latencies) in standardByNode.sorted(by: { $0.key < $1.key }) {
            lines.append("all rounds, the default scheduler's replicas on \(node): \(Self.latency(latencies))")
        }
        lines.append("all rounds, policy: \(Self.latency(pairs.map(\.policy)))")
        lines.append("all rounds, default scheduler: \(Self.latency(pairs.map(\.standard)))")
        let difference = Self.interval(pairs.map(\.difference))
        lines.append(
            """
            paired difference of p99, policy - default scheduler: mean \(Self.text(difference.mean, signed: true)) ms, \
            95 % bootstrap interval over \(pairs.count) pairs \
            [\(Self.text(difference.low, signed: true)), \(Self.text(difference.high, signed: true))]
            """)
        return lines.joined(separator: "\n")
    }

    /// The latencies of the default scheduler's rounds, by the node that answered: they show what the burning costs.
    private var standardByNode: [String: [Double]] {
        var latencies: [String: [Double]] = [:]
        for round in pairs.map(\.standard) {
            for (replica, latency) in zip(round.load.replicas, round.load.latencies) {
                latencies[round.nodes[replica], default: []].append(latency)
            }
        }
        return latencies
    }

    private static func latency(_ rounds: [Round]) -> String {
        let failed = rounds.map(\.load.failed).reduce(0, +)
        return "\(latency(rounds.flatMap(\.load.latencies))), \(failed) failed"
    }

    private static func latency(_ latencies: [Double]) -> String {
        """
        p50 \(text(quantile(latencies, 0.5))) ms, p99 \(text(quantile(latencies, 0.99))) ms \
        of \(latencies.count) requests
        """
    }

    private static func spread(_ nodes: [String]) -> String {
        Dictionary(grouping: nodes) { $0 }.sorted { $0.key < $1.key }
            .map { "\($0.key) x\($0.value.count)" }.joined(separator: " ")
    }

    private static func text(_ milliseconds: Double, signed: Bool = false) -> String {
        String(format: signed ? "%+.1f" : "%.1f", milliseconds)
    }
}
