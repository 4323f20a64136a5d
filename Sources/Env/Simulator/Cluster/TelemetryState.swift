import Cluster
import Randomness
import Workloads

/// How an episode is measured, and the measurements that have not arrived yet.
struct TelemetryState: Sendable, Codable {
    /// One source with its parameters drawn.
    struct Source: Sendable, Codable {
        var isPresent = true
        var noise = 0.0
        /// Whole control intervals, at most 3.
        var lag = 0
        var gaps = 0.0

        init() {}

        init(_ settings: TelemetrySource, _ generator: inout RandomGenerator) {
            isPresent = !generator.chance(settings.dropout)
            noise = settings.noise.draw(using: &generator)
            lag = min(3, settings.lag.drawInteger(using: &generator))
            gaps = settings.gaps.draw(using: &generator)
        }
    }

    /// What a service's monitoring sees of an interval.
    struct ServiceSample: Sendable, Codable {
        var rate = 0.0
        var throughput = 0.0
        var errorShare = 0.0
        var cpu = 0.0
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
    /// Whether this interval's scrape of the pods on a node arrived; kept here so that a step allocates nothing.
    var podScrapes: [Bool] = []

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
        podScrapes = Array(repeating: true, count: nodes)
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

extension Optional where Wrapped == Measurement {
    /// Replaces the value, or lets the one before grow older; drops what is too old.
    @inline(__always)
    mutating func update(_ value: Double?, lag: Double, interval: Double, maximumAge: Double) {
        if let value {
            self = lag <= maximumAge ? Measurement(value, age: lag) : nil
        } else if let old = self {
            let age = old.age + interval
            self = age <= maximumAge ? Measurement(old.value, age: age) : nil
        }
    }
}
