import Windows
import JSON

/// A reply as it stands on the wire, its error included.
struct PrometheusEnvelope {
    var status = ""
    var reply: PrometheusReply?
    var errorType: String?
    var error: String?
    private var warnings: [String] = []
    private var infos: [String] = []

    /// Reads `{"status": ..., "data": {"resultType": ..., "result": ...}, "errorType": ..., "error": ...,
    /// "warnings": [...], "infos": [...]}`.
    /// - Throws: `JSONError` for malformed text and other forms.
    init(parsing body: [UInt8]) throws {
        try JSONReader.reading(body) { reader in
            try reader.readObject { reader, key in
                if key == "status" { status = try reader.readString() }
            }
            try reader.readObject { reader, key in
                switch key {
                // Some servers put an empty result beside an error.
                case "data" where status == "success": reply = try Self.readData(reader)
                case "errorType": errorType = try reader.readStringIfPresent()
                case "error": error = try reader.readStringIfPresent()
                case "warnings": try reader.readArrayIfPresent { warnings.append(try $0.readString()) }
                case "infos": try reader.readArrayIfPresent { infos.append(try $0.readString()) }
                default: break
                }
            }
        }
        reply?.warnings = warnings
        reply?.infos = infos
    }

    private static func readData(_ reader: JSONReader) throws -> PrometheusReply? {
        var type = ""
        var reply: PrometheusReply?
        // The type may follow the result, which cannot be read without it.
        let isPresent = try reader.readObjectIfPresent { reader, key in
            if key == "resultType" { type = try reader.readString() }
        }
        guard isPresent else { return nil }
        try reader.readObject { reader, key in
            if key == "result" { reply = try readResult(type, reader) }
        }
        guard let reply else { throw JSONError("data holds no result") }
        return reply
    }

    private static func readResult(_ type: String, _ reader: JSONReader) throws -> PrometheusReply {
        switch type {
        case "vector":
            var elements: [PrometheusReply.VectorElement] = []
            var histograms = 0
            try reader.readArrayIfPresent { reader in
                let series = try readSeries(reader)
                if let sample = series.value {
                    elements.append(.init(labels: series.labels, sample: sample))
                } else {
                    histograms += 1
                }
            }
            return PrometheusReply(result: .vector(elements), unreadHistograms: histograms)
        case "matrix":
            var elements: [PrometheusReply.MatrixElement] = []
            var histograms = 0
            try reader.readArrayIfPresent { reader in
                let series = try readSeries(reader)
                if let samples = series.values {
                    elements.append(.init(labels: series.labels, samples: samples))
                } else {
                    histograms += 1
                }
            }
            return PrometheusReply(result: .matrix(elements), unreadHistograms: histograms)
        case "scalar": return PrometheusReply(result: .scalar(try readSample(reader)))
        case "string":
            let (time, text) = try readPair(reader)
            return PrometheusReply(result: .string(text, time: time))
        default: throw JSONError("expected resultType vector, matrix, scalar or string, found \"\(type)\"")
        }
    }

    private static func readSeries(
        _ reader: JSONReader
    ) throws -> (labels: [String: String], value: Reading?, values: [Reading]?) {
        var labels: [String: String] = [:]
        var value: Reading?
        var values: [Reading]?
        try reader.readObject { reader, key in
            switch key {
            case "metric": try reader.readObject { reader, name in labels[name] = try reader.readString() }
            case "value": value = try readSample(reader)
            case "values":
                var samples: [Reading] = []
                try reader.readArray { samples.append(try readSample($0)) }
                values = samples
            default: break
            }
        }
        return (labels, value, values)
    }

    /// `[1700000000.123, "0.5"]`: values are strings because JSON knows neither NaN nor infinities.
    private static func readSample(_ reader: JSONReader) throws -> Reading {
        let (time, text) = try readPair(reader)
        let value: Double? =
            switch text {
            case "NaN": .nan
            case "+Inf", "Inf": .infinity
            case "-Inf": -.infinity
            default:
                text.utf8.last.map { $0 &- UInt8(ascii: "0") < 10 || $0 == UInt8(ascii: ".") } == true
                    ? Double(text) : nil
            }
        guard let value else { throw reader.error("\"\(text)\" is not a sample's value") }
        return Reading(value: value, time: time)
    }

    private static func readPair(_ reader: JSONReader) throws -> (time: Double, text: String) {
        var time: Double?
        var text: String?
        try reader.readArray { reader in
            if time == nil {
                time = try reader.readDouble()
            } else if text == nil {
                text = try reader.readString()
            } else {
                throw reader.error("a sample has more than a time and a value")
            }
        }
        guard let time, let text else { throw reader.error("a sample lacks its time or value") }
        return (time, text)
    }
}
