import Foundation
import Randomness
import Simulator

/// Latencies in bins of 0.2 %.
struct LatencyHistogram {
    private static let smallest = 1e-5
    private static let width = 0.002
    private var bins = [Int](repeating: 0, count: 12_000)
    private(set) var count = 0

    mutating func add(_ latency: Double) {
        let bin = Int(log(max(latency, Self.smallest) / Self.smallest) / Self.width)
        bins[min(bin, bins.count - 1)] += 1
        count += 1
    }

    /// The latency that a share of them exceeds.
    func quantile(above share: Double) -> Double {
        var above = Int(Double(count) * share)
        for bin in bins.indices.reversed() {
            above -= bins[bin]
            if above < 0 { return Self.smallest * exp((Double(bin) + 0.5) * Self.width) }
        }
        return 0
    }

    func share(above latency: Double) -> Double {
        let first = Int(log(latency / Self.smallest) / Self.width)
        return Double(bins[first...].reduce(0, +)) / Double(max(1, count))
    }
}

/// A queue simulated request by request: Poisson arrivals, first come first served, `workers` of them. Knows nothing of
/// the model that it tests.
struct QueueSimulation {
    var family: ServiceTimeFamily
    var squaredVariation = 1.0
    var mean: Double
    var workers = 1
    /// Requests give up after waiting this long.
    var patience = Double.infinity
    /// Requests find the queue full at this length.
    var room = Int.max

    struct Window {
        var latencies = LatencyHistogram()
        var arrived = 0
        var gaveUp = 0
        var turnedAway = 0
    }

    /// Runs the queue from empty through windows of `duration` seconds, `replications` times.
    /// - Returns: what happened to the requests that arrived in each window.
    func run(rates: [Double], duration: Double, replications: Int, seed: UInt64) -> [Window] {
        var windows = [Window](repeating: Window(), count: rates.count)
        var generator = RandomGenerator(seed: seed)
        var free = [Double](repeating: 0, count: workers)
        var starts: [Double] = []
        for _ in 0..<replications {
            for worker in free.indices { free[worker] = 0 }
            starts.removeAll(keepingCapacity: true)
            var head = 0
            for (index, rate) in rates.enumerated() {
                var time = Double(index) * duration
                while true {
                    time += generator.exponential(rate: rate)
                    guard time < Double(index + 1) * duration else { break }
                    windows[index].arrived += 1
                    var worker = 0
                    for other in free.indices where free[other] < free[worker] { worker = other }
                    let start = max(time, free[worker])
                    if room < Int.max {
                        while head < starts.count, starts[head] <= time { head += 1 }
                        if starts.count - head >= room {
                            windows[index].turnedAway += 1
                            continue
                        }
                    }
                    guard start - time <= patience else {
                        windows[index].gaveUp += 1
                        continue
                    }
                    let service = draw(&generator)
                    free[worker] = start + service
                    if room < Int.max { starts.append(start) }
                    windows[index].latencies.add(start + service - time)
                }
            }
        }
        return windows
    }

    private func draw(_ generator: inout RandomGenerator) -> Double {
        switch family {
        case .deterministic: mean
        case .exponential: generator.exponential(rate: 1 / mean)
        case .logNormal: generator.logNormal(mean: mean, squaredVariation: squaredVariation)
        }
    }
}
