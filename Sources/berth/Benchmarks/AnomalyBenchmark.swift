import AnomalyDetection
import Randomness

/// Rows per second that isolation forests score, on one thread, with the default settings and random rows.
struct AnomalyBenchmark {
    /// Features of a row.
    var widths: [Int]
    /// Seconds for each measurement.
    var seconds: Double

    /// Measures and prints a line for each width.
    func run() throws {
        var rows = [["isolation forest, 100 trees of 256", "fit, ms", "batch, rows/s", "sliding window, rows/s"]]
        for width in widths { rows.append(try measure(width)) }
        print(ComparisonTable.align(rows), terminator: "")
    }

    private func measure(_ width: Int) throws -> [String] {
        var generator = RandomGenerator(seed: 0)
        let count = 20_000
        let values = (0..<count * width).map { _ in Float(generator.normal()) }
        let clock = ContinuousClock()
        var forest = try IsolationForest(rows: values.span, width: width, generator: &generator)
        let fits = try repeated(clock) {
            forest = try IsolationForest(rows: values.span, width: width, generator: &generator)
            return 1
        }
        let batch = try repeated(clock) { try forest.scores(of: values.span).count }
        var detector = try SlidingIsolationForest(width: width, generator: RandomGenerator(seed: 1))
        let stream = try repeated(clock) {
            for first in stride(from: 0, to: values.count, by: width) {
                _ = try detector.observe(values.span.extracting(first..<first + width))
            }
            return count
        }
        return [
            "\(width) features", Figures.short(1_000 / fits), Figures.grouped(Int(batch)), Figures.grouped(Int(stream)),
        ]
    }

    /// How many a second.
    private func repeated(_ clock: ContinuousClock, _ body: () throws -> Int) rethrows -> Double {
        let start = clock.now
        var done = 0
        repeat { done += try body() } while (clock.now - start) / .seconds(1) < seconds
        return Double(done) / ((clock.now - start) / .seconds(1))
    }
}
