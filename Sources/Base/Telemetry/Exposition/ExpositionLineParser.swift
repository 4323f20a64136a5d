/// Parses one line, without its line feed.
struct ExpositionLineParser {
    let bytes: UnsafeRawBufferPointer
    let line: Int
    let format: ExpositionFormat
    private var position = 0

    init(bytes: UnsafeRawBufferPointer, line: Int, format: ExpositionFormat) {
        self.bytes = bytes
        self.line = line
        self.format = format
    }

    /// The line's sample; `nil` for a comment, an empty line and a metric that is not wanted.
    mutating func parse(_ wanted: [[UInt8]]?) throws -> MetricSample? {
        skipBlanks()
        guard let first = current, first != UInt8(ascii: "#"), first != UInt8(ascii: "\r") || bytes.count > 1 else {
            return nil
        }
        let name = try readName(allowsColon: true, "a metric name")
        if let wanted, !wanted.contains(where: { $0.elementsEqual(name) }) { return nil }
        skipBlanks()
        var labels = MetricLabels()
        if current == UInt8(ascii: "{") { labels = try readLabels() }
        skipBlanks()
        let value = try readValue()
        skipBlanks()
        let timestamp = try readTimestamp()
        skipBlanks()
        let exemplar = try readExemplar()
        guard position == bytes.count else { throw error("unexpected text after the sample") }
        return MetricSample(
            name: String(decoding: name, as: UTF8.self), labels: labels, value: value, timestamp: timestamp,
            exemplar: exemplar)
    }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func error(_ message: String) -> ExpositionError {
        ExpositionError(line: line, message: "\(message) at column \(position + 1)")
    }

    private mutating func skipBlanks() {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    }

    private mutating func readName(allowsColon: Bool, _ expected: String) throws -> UnsafeRawBufferPointer {
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            let letter = byte | 0x20
            guard
                letter >= UInt8(ascii: "a") && letter <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
                    || byte == UInt8(ascii: ":") && allowsColon
                    || byte &- UInt8(ascii: "0") < 10 && position > start
            else { break }
            position += 1
        }
        guard position > start else { throw error("expected \(expected)") }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    private mutating func readLabels() throws -> MetricLabels {
        var labels = MetricLabels()
        position += 1
        while true {
            skipBlanks()
            if current == UInt8(ascii: "}") { break }
            let name = String(decoding: try readName(allowsColon: false, "a label name or '}'"), as: UTF8.self)
            skipBlanks()
            guard current == UInt8(ascii: "=") else { throw error("expected '=' after the label \(name)") }
            position += 1
            skipBlanks()
            guard current == UInt8(ascii: "\"") else { throw error("expected the quoted value of label \(name)") }
            position += 1
            labels.append(name, try readLabelValue())
            skipBlanks()
            if current == UInt8(ascii: ",") {
                position += 1
            } else if current != UInt8(ascii: "}") {
                throw error("expected ',' or '}' after a label")
            }
        }
        position += 1
        return labels
    }

    /// The rest of a quoted value. Escapes are \\, \" and \n; Prometheus keeps the backslash of any other.
    private mutating func readLabelValue() throws -> String {
        let start = position
        while let byte = current, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { position += 1 }
        var decoded: [UInt8]?
        if current == UInt8(ascii: "\\") {
            var text = [UInt8](bytes[start..<position])
            while let byte = current, byte != UInt8(ascii: "\"") {
                position += 1
                guard byte == UInt8(ascii: "\\") else {
                    text.append(byte)
                    continue
                }
                guard let escaped = current else { break }
                position += 1
                switch escaped {
                case UInt8(ascii: "n"): text.append(0x0A)
                case UInt8(ascii: "\\"), UInt8(ascii: "\""): text.append(escaped)
                default: text += [UInt8(ascii: "\\"), escaped]
                }
            }
            decoded = text
        }
        guard current == UInt8(ascii: "\"") else { throw error("a label's value has no closing quote") }
        let value =
            if let decoded { String(validating: decoded, as: UTF8.self) } else {
                String(validating: bytes[start..<position], as: UTF8.self)
            }
        guard let value else { throw error("a label's value is not valid UTF-8") }
        position += 1
        return value
    }

    private mutating func readToken() -> Substring {
        let start = position
        while let byte = current, byte != 0x20, byte != 0x09, byte != 0x0D { position += 1 }
        let token = String(decoding: bytes[start..<position], as: UTF8.self)
        // A carriage return before the line feed is white space.
        if position + 1 == bytes.count, current == 0x0D { position += 1 }
        return token[...]
    }

    private mutating func readValue() throws -> Double {
        let token = readToken()
        // OpenMetrics does not mind the case of these words; Prometheus' format is written with these alone.
        switch format == .openMetrics ? Self.canonical(token) : token {
        case "NaN": return .nan
        case "+Inf", "Inf": return .infinity
        case "-Inf": return -.infinity
        default:
            guard Self.endsLikeANumber(token), let value = Double(token) else {
                throw error("\"\(token)\" is not a value")
            }
            return value
        }
    }

    /// Double(_:) also takes words such as "infinity" and "nan(1)", which the formats do not know.
    private static func endsLikeANumber(_ token: Substring) -> Bool {
        guard let last = token.utf8.last else { return false }
        return last &- UInt8(ascii: "0") < 10 || last == UInt8(ascii: ".")
    }

    private static func canonical(_ token: Substring) -> Substring {
        switch token.lowercased() {
        case "nan": "NaN"
        case "inf", "+inf", "infinity", "+infinity": "+Inf"
        case "-inf", "-infinity": "-Inf"
        default: token
        }
    }

    /// A time in seconds; `nil` where the line has none.
    private mutating func readTimestamp() throws -> Double? {
        guard let byte = current, byte != UInt8(ascii: "#") else { return nil }
        let token = readToken()
        if token.isEmpty { return nil }
        switch format {
        case .prometheus:
            guard let milliseconds = Int64(token) else { throw error("\"\(token)\" is not a time in milliseconds") }
            return Double(milliseconds) / 1_000
        case .openMetrics:
            guard Self.endsLikeANumber(token), let seconds = Double(token), seconds.isFinite else {
                throw error("\"\(token)\" is not a time in seconds")
            }
            return seconds
        }
    }

    /// " # {trace_id="a"} 0.5 1700000000.1" after an OpenMetrics sample.
    private mutating func readExemplar() throws -> MetricExemplar? {
        guard format == .openMetrics, current == UInt8(ascii: "#") else { return nil }
        position += 1
        skipBlanks()
        guard current == UInt8(ascii: "{") else { throw error("expected the labels of an exemplar") }
        let labels = try readLabels()
        skipBlanks()
        let value = try readValue()
        skipBlanks()
        let timestamp = try readTimestamp()
        skipBlanks()
        return MetricExemplar(labels: labels, value: value, timestamp: timestamp)
    }
}
