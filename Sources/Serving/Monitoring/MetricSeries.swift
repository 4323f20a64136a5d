import CoreMetrics
import Synchronization

/// The values of one metric under one set of labels.
protocol MetricSeries: AnyObject, Sendable {
    /// Appends the series in Prometheus' text format; `labels` is what stands between the braces.
    func write(name: String, labels: String, to text: inout String)
}

private func line(_ name: String, _ labels: String, _ value: some CustomStringConvertible) -> String {
    labels.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels)} \(value)\n"
}

private func format(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
}

final class CounterSeries: MetricSeries, CounterHandler {
    private let total = Atomic<Int64>(0)

    func increment(by amount: Int64) { total.add(amount, ordering: .relaxed) }
    func reset() { total.store(0, ordering: .relaxed) }

    func write(name: String, labels: String, to text: inout String) {
        text += line(name, labels, total.load(ordering: .relaxed))
    }
}

final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }

    func write(name: String, labels: String, to text: inout String) {
        text += line(name, labels, format(value.withLock { $0 }))
    }
}

final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
    private struct Contents {
        var counts: [UInt64]
        var sum = 0.0
        var count: UInt64 = 0
    }

    private let buckets: [Double]
    private let contents: Mutex<Contents>

    init(buckets: [Double]) {
        self.buckets = buckets
        contents = Mutex(Contents(counts: [UInt64](repeating: 0, count: buckets.count)))
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        contents.withLock { contents in
            contents.sum += value
            contents.count += 1
            if let index = buckets.firstIndex(where: { value <= $0 }) { contents.counts[index] += 1 }
        }
    }

    func write(name: String, labels: String, to text: inout String) {
        let snapshot = contents.withLock { $0 }
        let prefix = labels.isEmpty ? "" : labels + ","
        var cumulative: UInt64 = 0
        for (bound, count) in zip(buckets, snapshot.counts) {
            cumulative += count
            text += line("\(name)_bucket", "\(prefix)le=\"\(format(bound))\"", cumulative)
        }
        text += line("\(name)_bucket", "\(prefix)le=\"+Inf\"", snapshot.count)
        text += line("\(name)_sum", labels, format(snapshot.sum))
        text += line("\(name)_count", labels, snapshot.count)
    }
}
