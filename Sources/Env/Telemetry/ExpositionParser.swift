import Glibc

/// One sample of Prometheus' text exposition format.
public struct MetricSample: Sendable, Equatable {
    /// The metric's name.
    public var name: String
    /// Labels in the order they came.
    public var labels: MetricLabels
    /// The value; may be NaN or infinite.
    public var value: Double
    /// When it was measured, in seconds since 1970; `nil` where the exporter leaves that to the scraper.
    public var timestamp: Double?

    /// A sample with all its parts.
    public init(name: String, labels: MetricLabels = MetricLabels(), value: Double, timestamp: Double? = nil) {
        self.name = name
        self.labels = labels
        self.value = value
        self.timestamp = timestamp
    }
}

/// The labels of a sample.
public struct MetricLabels: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// Names and values in the order they came.
    public private(set) var pairs: [(name: String, value: String)] = []

    /// No labels.
    public init() {}

    /// Labels from a literal.
    public init(dictionaryLiteral elements: (String, String)...) {
        pairs = elements.map { (name: $0.0, value: $0.1) }
    }

    /// The value of a label; `nil` where it is absent, which Prometheus takes for empty.
    public subscript(name: String) -> String? { pairs.first { $0.name == name }?.value }

    /// Whether both hold the same labels in the same order.
    public static func == (lhs: Self, rhs: Self) -> Bool {
        lhs.pairs.elementsEqual(rhs.pairs) { $0.name == $1.name && $0.value == $1.value }
    }

    mutating func append(_ name: String, _ value: String) {
        pairs.append((name, value))
    }
}

/// A text that is not in the exposition format.
public struct ExpositionError: Error, Hashable, CustomStringConvertible {
    /// The line at fault, counted from 1.
    public let line: Int
    /// What is wrong with it.
    public let message: String

    /// "line LINE: MESSAGE".
    public var description: String { "exposition text, line \(line): \(message)" }
}

/// Parses Prometheus' text exposition format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
///
/// One pass over the bytes. HELP, TYPE and other comments are passed over.
public enum ExpositionParser {
    /// Parses every sample.
    /// - Throws: `ExpositionError` for the first malformed line, and for a last line without a line feed, which is what
    ///   a truncated scrape looks like.
    public static func parse(_ text: [UInt8]) throws -> [MetricSample] {
        var samples: [MetricSample] = []
        try forEachSample(in: text, named: nil) { samples.append($0) }
        return samples
    }

    /// Parses the samples of some metrics and passes them on, in order.
    /// - Parameters:
    ///   - text: a whole scrape.
    ///   - names: the metrics wanted, or `nil` for all. Lines of others are passed over unread.
    ///   - body: called once for each sample.
    /// - Throws: as `parse(_:)`, and what `body` throws.
    public static func forEachSample(
        in text: [UInt8], named names: Set<String>?, _ body: (MetricSample) throws -> Void
    ) throws {
        let wanted = names.map { $0.map { Array($0.utf8) } }
        try text.withUnsafeBytes { text in
            var start = 0
            var line = 1
            while start < text.count, let base = text.baseAddress {
                guard let feed = memchr(base + start, 0x0A, text.count - start) else {
                    throw ExpositionError(line: line, message: "the text ends without a line feed: it was cut short")
                }
                let end = UnsafeRawPointer(feed) - base
                var parser = LineParser(bytes: UnsafeRawBufferPointer(rebasing: text[start..<end]), line: line)
                if let sample = try parser.parse(wanted) { try body(sample) }
                start = end + 1
                line += 1
            }
        }
    }
}

/// Parses one line, without its line feed.
private struct LineParser {
    let bytes: UnsafeRawBufferPointer
    let line: Int
    var position = 0

    init(bytes: UnsafeRawBufferPointer, line: Int) {
        self.bytes = bytes
        self.line = line
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
        guard position == bytes.count else { throw error("unexpected text after the sample") }
        return MetricSample(
            name: String(decoding: name, as: UTF8.self), labels: labels, value: value, timestamp: timestamp)
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
        switch token {
        case "NaN": return .nan
        case "+Inf", "Inf": return .infinity
        case "-Inf": return -.infinity
        default:
            // Double(_:) also takes words such as "infinity", which the format does not know.
            guard let last = token.utf8.last, last &- UInt8(ascii: "0") < 10 || last == UInt8(ascii: "."),
                let value = Double(token)
            else { throw error("\"\(token)\" is not a value") }
            return value
        }
    }

    private mutating func readTimestamp() throws -> Double? {
        guard position < bytes.count else { return nil }
        let token = readToken()
        if token.isEmpty { return nil }
        guard let milliseconds = Int64(token) else { throw error("\"\(token)\" is not a time in milliseconds") }
        return Double(milliseconds) / 1_000
    }
}
