import JSON
public import Windows

/// The counters of one reply of pcm-sensor-server, summed up by socket.
///
/// A reply of `/persecond/X` holds what was counted in X seconds; `/` and `/metrics` hold what was counted since the
/// server started. Each comes as Prometheus text or as JSON (intel/pcm, src/pcm-sensor-server.cpp). The same counts
/// appear for each thread, each socket and the system: they are taken from the sockets' own sums, or added up over
/// threads where there are none, never both.
public struct PCMCounters: Sendable, Equatable {
    /// What is counted.
    public typealias Quantity = PCMQuantity

    private static let byMetric = Dictionary(uniqueKeysWithValues: Quantity.allCases.map { ($0.metric, $0) })

    /// The metrics that are read of Prometheus text.
    public static let metrics: Set<String> = Set(byMetric.keys).union([intervalMetric])
    static let intervalMetric = "Measurement_Interval_in_us"

    /// Sums by the socket's number. A reading that is negative or not finite is left out.
    public private(set) var sockets: [Int: [Quantity: Double]] = [:]
    /// The seconds that were counted, where the reply says so.
    public private(set) var seconds: Double?

    /// The sums over all sockets of what every socket counted.
    public var totals: [Quantity: Double] {
        Dictionary(
            uniqueKeysWithValues: Quantity.allCases.compactMap { quantity in total(quantity).map { (quantity, $0) } })
    }

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
    /// - Parameter samples: the samples; those of other metrics are ignored.
    /// - Throws: `PCMError` where they are not PCM's.
    public init(samples: some Sequence<MetricSample>) throws {
        var ofThreads: [Int: [Quantity: Double]] = [:]
        for sample in samples where sample.value.isFinite && sample.value >= 0 {
            if sample.name == Self.intervalMetric {
                seconds = sample.value / 1e6
                continue
            }
            guard let quantity = Self.byMetric[sample.name],
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
        self = try JSONReader.reading(text) { try PCMCounters(reading: $0) }
    }

    private init(reading reader: JSONReader) throws {
        var ofThreads: [Int: [Quantity: Double]] = [:]
        try reader.readObject { reader, key in
            switch key {
            case "Interval us": seconds = try reader.readDouble() / 1e6
            case "Sockets":
                try reader.readArray { reader in
                    let (number, own, threads) = try Self.readSocket(reader)
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
        _ reader: JSONReader
    ) throws -> (number: Int, own: Counts, ofThreads: Counts) {
        var number: Int?
        var own: Counts = [:]
        var ofThreads: Counts = [:]
        try reader.readObject { reader, key in
            switch key {
            case "Socket ID": number = Int(try reader.readInteger())
            case "Core Aggregate": try readGroup("Core Counters", reader, &own)
            case "Uncore": try readGroup("Uncore Counters", reader, &own)
            case "Cores":
                try reader.readArray { reader in
                    try reader.readObject { reader, key in
                        guard key == "Threads" else { return }
                        try reader.readArray { try readGroup("Core Counters", $0, &ofThreads) }
                    }
                }
            default: break
            }
        }
        guard let number else { throw PCMError("a socket has no \"Socket ID\"") }
        return (number, own, ofThreads)
    }

    /// Adds the counters in the group of this name, one level down.
    private static func readGroup(_ name: String, _ reader: JSONReader, _ counts: inout Counts) throws {
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
}
