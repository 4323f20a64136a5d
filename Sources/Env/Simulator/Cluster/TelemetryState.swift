import Workloads
import Cluster
import Randomness
import Windows

/// How an episode is measured, and the samples that have not arrived yet.
struct TelemetryState: Sendable, Codable {
    /// One source with its parameters drawn.
    struct Source: Sendable, Codable {
        var isPresent = true
        var noise = 0.0
        /// Whole control intervals, at most 2 for counters and 3 for all else.
        var lag = 0
        var gaps = 0.0
        /// Seconds between two scrapes; 0 for one at the end of each interval.
        var period = 0.0
        /// When the next scrape is due.
        var next = 0.0

        init() {}

        init(_ settings: TelemetrySource, _ generator: inout RandomGenerator) {
            isPresent = !generator.chance(settings.dropout)
            noise = settings.noise.draw(using: &generator)
            lag = min(3, settings.lag.drawInteger(using: &generator))
            gaps = settings.gaps.draw(using: &generator)
            guard let range = settings.period else { return }
            period = range.draw(using: &generator)
            next = period * generator.uniform()
        }

        /// The scrapes that fell due since the last call, the earliest first.
        /// - Parameters:
        ///   - end: the present, the end of an interval.
        ///   - interval: its length.
        mutating func scrapes(before end: Double, _ interval: Double, into scrapes: inout ReusedArray<CounterScrape>) {
            scrapes.removeAll()
            guard period > 0 else {
                scrapes.append(CounterScrape(age: Double(lag), before: end, interval))
                return
            }
            while next <= end {
                let age = Double(lag) + max(0, min(0.999, (end - next) / interval))
                scrapes.append(CounterScrape(age: age, before: end, interval))
                next += period
            }
        }
    }

    /// What a service's monitoring counts in an interval.
    struct ServiceSample: Sendable, Codable {
        var arrived = 0.0
        var completed = 0.0
        var failed = 0.0
        /// Whether any request was answered, so that there are latencies.
        var hasLatency = false
        var p50 = 0.0
        var p95 = 0.0
        var p99 = 0.0
    }

    var generator = RandomGenerator(seed: 0)
    var pcm = Source()
    var node = Source()
    var service = Source()
    var pod = Source()
    /// Intervals measured so far.
    var intervals = 0
    /// The last four samples of each node and of each service; interval n is at 4 · index + n mod 4.
    var nodeSamples: [NodeSample] = []
    var serviceSamples: [ServiceSample] = []

    /// Telemetry of nothing.
    init() {}

    init(_ settings: TelemetrySettings, nodes: Int, services: Int, _ generator: inout RandomGenerator) {
        pcm = Source(settings.pcm, &generator)
        node = Source(settings.node, &generator)
        service = Source(settings.service, &generator)
        pod = Source(settings.pod, &generator)
        self.generator = generator.split()
        nodeSamples = Array(repeating: NodeSample(), count: 4 * nodes)
        serviceSamples = Array(repeating: ServiceSample(), count: 4 * services)
    }

    /// A factor of mean 1: the sum of four uniform draws from one word (Irwin and Hall), close to normal.
    @inline(__always)
    static func factor(_ deviation: Double, _ generator: inout RandomGenerator) -> Double {
        guard deviation > 0 else { return 1 }
        let word = generator.next()
        let sum = (word & 0xFFFF) &+ ((word >> 16) & 0xFFFF) &+ ((word >> 32) & 0xFFFF) &+ (word >> 48)
        // Four uniform words have mean 2 · 65535 and standard deviation 65536 / √3.
        return max(0, 1 + deviation * (Double(sum) - 131_070) * (3.0.squareRoot() / 65536))
    }
}

/// A scrape of the counters, of which readings at any moment follow from those at the ends of intervals.
struct CounterScrape: Sendable {
    /// When it was taken, in seconds.
    let time: Double
    /// It lies this many whole intervals before the present, ...
    let whole: Int
    /// ... and this share of one.
    let share: Double

    /// A scrape of `age` intervals before `end`.
    init(age: Double, before end: Double, _ interval: Double) {
        time = end - age * interval
        whole = Int(age)
        share = age - Double(whole)
    }
}

/// What a counter had reached at the ends of the last four intervals, newest first; negative while there was none.
typealias CounterHistory = SIMD4<Double>

extension CounterHistory {
    /// Adds what was counted in an interval that has just ended.
    mutating func count(_ increase: Double) {
        self = SIMD4(Swift.max(0, x) + increase, x, y, z)
    }

    /// What the counter read when it was scraped: within an interval it rises evenly. `nil` where that is not known.
    func reading(_ scrape: CounterScrape) -> Double? {
        let (whole, share) = (scrape.whole, scrape.share)
        guard whole < 4, self[whole] >= 0 else { return nil }
        guard share > 0 else { return self[whole] }
        guard whole < 3, self[whole + 1] >= 0 else { return nil }
        return self[whole] + share * (self[whole + 1] - self[whole])
    }
}
