import JSON

/// The counters of one reply of pcm-sensor-server, summed up by socket.
///
/// A reply of `/persecond/X` holds what was counted in X seconds; `/` and `/metrics` hold what was counted since the
/// server started. Each comes as Prometheus text or as JSON (intel/pcm, src/pcm-sensor-server.cpp). The same counts
/// appear for each thread, each socket and the system: they are taken from the sockets' own sums, or added up over
/// threads where there are none, never both.
public struct PCMCounters: Sendable, Equatable {
    /// What is counted. The raw value is the name in JSON; in Prometheus text its spaces are underscores.
    public enum Quantity: String, Sendable, Hashable, CaseIterable {
        /// Instructions retired.
        case instructions = "Instructions Retired Any"
        /// Cycles in which a thread was not halted.
        case cycles = "Clock Unhalted Thread"
        /// The same in units of the reference clock.
        case referenceCycles = "Clock Unhalted Ref"
        /// Last-level cache misses.
        case l3Misses = "L3 Cache Misses"
        /// Last-level cache hits.
        case l3Hits = "L3 Cache Hits"
        /// Level 2 cache misses.
        case l2Misses = "L2 Cache Misses"
        /// Level 2 cache hits.
        case l2Hits = "L2 Cache Hits"
        /// Bytes read from memory.
        case memoryReads = "DRAM Reads"
        /// Bytes written to memory.
        case memoryWrites = "DRAM Writes"
        /// Energy of the package in joules.
        case packageJoules = "Package Joules Consumed"
        /// Energy of the memory modules in joules.
        case memoryJoules = "DRAM Joules Consumed"

        /// Whether threads count it; the memory controllers and the package count the rest.
        public var isOfCores: Bool {
            switch self {
            case .instructions, .cycles, .referenceCycles, .l3Misses, .l3Hits, .l2Misses, .l2Hits: true
            case .memoryReads, .memoryWrites, .packageJoules, .memoryJoules: false
            }
        }

        /// The metric's name in Prometheus text.
        public var metric: String { rawValue.replacing(" ", with: "_") }

        static let byMetric = Dictionary(uniqueKeysWithValues: allCases.map { ($0.metric, $0) })
    }

    /// The metrics that are read of Prometheus text.
    public static let metrics: Set<String> = Set(Quantity.byMetric.keys).union([intervalMetric])
    static let intervalMetric = "Measurement_Interval_in_us"

    /// Sums by the socket's number. A reading that is negative or not finite is left out.
    public private(set) var sockets: [Int: [Quantity: Double]] = [:]
    /// The seconds that were counted, where the reply says so.
    public private(set) var seconds: Double?

    /// The sum over all sockets; `nil` where a socket lacks it, for a part would pass for the whole.
    public func total(_ quantity: Quantity) -> Double? {
        guard !sockets.isEmpty else { return nil }
        var sum = 0.0
        for counts in sockets.values {
            guard let count = counts[quantity] else { return nil }
            sum += count
        }
        return sum
    }

    // MARK: Prometheus text

    /// Reads samples of one reply.
    /// - Parameter samples: the samples; those of other metrics are passed over.
    /// - Throws: `PCMError` where they are not PCM's.
    public init(samples: some Sequence<MetricSample>) throws {
        var ofThreads: [Int: [Quantity: Double]] = [:]
        for sample in samples where sample.value.isFinite && sample.value >= 0 {
            if sample.name == Self.intervalMetric {
                seconds = sample.value / 1e6
                continue
            }
            guard let quantity = Quantity.byMetric[sample.name],
                let socket = sample.labels["socket"].flatMap({ Int($0) }),
                sample.labels["source"] == (quantity.isOfCores ? "core" : "uncore")
            else { continue }
            if !quantity.isOfCores || sample.labels["aggregate"] == "socket" {
                sockets[socket, default: [:]][quantity] = sample.value
            } else if sample.labels["thread"] != nil {
                ofThreads[socket, default: [:]][quantity, default: 0] += sample.value
            }
        }
        addMissing(from: ofThreads)
        guard !sockets.isEmpty else { throw PCMError("the text holds no counter of a socket") }
    }

    // MARK: JSON

    /// Reads a reply in JSON.
    /// - Throws: `JSONError` for malformed text, `PCMError` for another form.
    public init(parsingJSON text: [UInt8]) throws {
        self = try JSONReader.reading(text) { try PCMCounters(reading: &$0) }
    }

    private init(reading reader: inout JSONReader) throws {
        var ofThreads: [Int: [Quantity: Double]] = [:]
        try reader.readObject { reader, key in
            switch key {
            case "Interval us": seconds = try reader.readDouble() / 1e6
            case "Sockets":
                try reader.readArray { reader in
                    let (number, own, threads) = try Self.readSocket(&reader)
                    sockets[number] = own
                    ofThreads[number] = threads
                }
            default: break
            }
        }
        addMissing(from: ofThreads)
        guard sockets.values.contains(where: { !$0.isEmpty }) else {
            throw PCMError("the reply holds no counter of a socket")
        }
    }

    private typealias Counts = [Quantity: Double]

    private static func readSocket(
        _ reader: inout JSONReader
    ) throws -> (number: Int, own: Counts, ofThreads: Counts) {
        var number: Int?
        var own: Counts = [:]
        var ofThreads: Counts = [:]
        try reader.readObject { reader, key in
            switch key {
            case "Socket ID": number = Int(try reader.readInteger())
            case "Core Aggregate": try readGroup("Core Counters", &reader, &own)
            case "Uncore": try readGroup("Uncore Counters", &reader, &own)
            case "Cores":
                try reader.readArray { reader in
                    try reader.readObject { reader, key in
                        guard key == "Threads" else { return }
                        try reader.readArray { try readGroup("Core Counters", &$0, &ofThreads) }
                    }
                }
            default: break
            }
        }
        guard let number else { throw PCMError("a socket has no \"Socket ID\"") }
        return (number, own, ofThreads)
    }

    /// Adds the counters in the group of this name, one level down.
    private static func readGroup(_ name: String, _ reader: inout JSONReader, _ counts: inout Counts) throws {
        try reader.readObject { reader, key in
            guard key == name else { return }
            try reader.readObject { reader, key in
                guard let quantity = Quantity(rawValue: key) else { return }
                let value = try reader.readDouble()
                if value.isFinite, value >= 0 { counts[quantity, default: 0] += value }
            }
        }
    }

    private mutating func addMissing(from ofThreads: [Int: Counts]) {
        for (socket, counts) in ofThreads {
            sockets[socket, default: [:]].merge(counts) { own, _ in own }
        }
    }
}

extension PCMFigures {
    /// The figures of a reply of `/persecond/X`.
    /// - Parameters:
    ///   - counters: the reply.
    ///   - seconds: the X that was asked for, in case the reply does not say how long it counted.
    ///   - time: the end of the window, in seconds since 1970.
    public init(_ counters: PCMCounters, seconds: Double, time: Double) {
        self.init(time: time, seconds: counters.seconds ?? seconds, total: counters.total)
    }

    /// Figures from what was counted in `seconds`.
    init(time: Double, seconds: Double, total: (PCMCounters.Quantity) -> Double?) {
        func ratio(_ part: Double?, _ whole: Double?) -> Double? {
            guard let part, let whole, whole > 0 else { return nil }
            return part / whole
        }
        func sum(_ first: Double?, _ second: Double?) -> Double? {
            guard let first, let second else { return nil }
            return first + second
        }
        self.init(
            time: time, seconds: seconds,
            instructionsPerCycle: ratio(total(.instructions), total(.cycles)),
            cacheMissRatio: ratio(total(.l3Misses), sum(total(.l3Hits), total(.l3Misses))),
            memoryBytes: sum(total(.memoryReads), total(.memoryWrites)),
            packageJoules: total(.packageJoules), memoryJoules: total(.memoryJoules))
    }
}
