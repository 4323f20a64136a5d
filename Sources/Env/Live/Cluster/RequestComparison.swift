import Cluster
import Foundation
import Windows

/// What Prometheus said of the services in an episode, beside what the load generator saw.
struct RequestComparison: Sendable {
    /// A figure of both, over the intervals in which both knew it.
    private struct Figure {
        var intervals = 0
        var said = 0.0
        var seen = 0.0
        /// Sum of |said - seen| / seen, over the intervals in which `seen` was above 0.
        var apart = 0.0
        var comparable = 0

        mutating func add(said value: Double, seen truth: Double) {
            intervals += 1
            said += value
            seen += truth
            guard truth > 0 else { return }
            apart += abs(value - truth) / truth
            comparable += 1
        }
    }

    private struct Kind {
        var name: String
        var unit: String
        /// How many of `unit` are 1.
        var scale: Double
        var said: @Sendable (Cluster.Service) -> Measured?
        var seen: @Sendable (RequestSample) -> Double?
    }

    private static let kinds = [
        Kind(name: "requests", unit: "/s", scale: 1, said: \.arrivalRate, seen: \.arrivalRate),
        Kind(name: "errors", unit: " %", scale: 100, said: \.errorShare, seen: \.errorShare),
        Kind(name: "p50", unit: " ms", scale: 1000, said: \.latencyP50, seen: \.latencyP50),
        Kind(name: "p95", unit: " ms", scale: 1000, said: \.latencyP95, seen: \.latencyP95),
        Kind(name: "p99", unit: " ms", scale: 1000, said: \.latencyP99, seen: \.latencyP99),
    ]

    private let services: [String]
    private var intervals: [Int]
    /// By service and kind.
    private var figures: [[Figure]]

    /// A comparison of nothing yet.
    /// - Parameter services: the Deployments' names.
    init(services: [String]) {
        self.services = services
        intervals = services.map { _ in 0 }
        figures = services.map { _ in Self.kinds.map { _ in Figure() } }
    }

    /// Adds an interval of the service at `index`.
    /// - Parameters:
    ///   - service: as it is known at the interval's end; only what was measured in the interval counts.
    ///   - sample: the interval as the load generator saw it.
    mutating func add(_ service: Cluster.Service, beside sample: RequestSample, ofService index: Int) {
        intervals[index] += 1
        for (kind, described) in Self.kinds.enumerated() {
            guard let said = described.said(service), said.time > sample.time - sample.seconds,
                let seen = described.seen(sample)
            else { continue }
            figures[index][kind].add(said: said.value, seen: seen)
        }
    }

    /// A line for each Deployment: means over the intervals in which both knew the figure, Prometheus' first, how far
    /// apart they were on average, and how many intervals that were.
    var summaries: [(deployment: String, summary: String)] {
        services.indices.filter { intervals[$0] > 0 }.map { index in
            let parts = zip(Self.kinds, figures[index]).map { kind, figure in
                guard figure.intervals > 0 else { return "\(kind.name) missing" }
                func mean(_ sum: Double) -> String {
                    String(format: "%.4g", sum / Double(figure.intervals) * kind.scale)
                }
                var text = "\(kind.name) \(mean(figure.said)) against \(mean(figure.seen))\(kind.unit)"
                if figure.comparable > 0 {
                    text += String(format: ", %.0f %% apart", figure.apart / Double(figure.comparable) * 100)
                }
                return text + ", in \(figure.intervals) of \(intervals[index]) intervals"
            }
            return (services[index], parts.joined(separator: "; "))
        }
    }
}
