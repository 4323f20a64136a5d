import Glibc

/// A text that is not in the exposition format.
public struct ExpositionError: Error, Hashable, CustomStringConvertible {
    /// The line at fault, counted from 1.
    public let line: Int
    /// What is wrong with it.
    public let message: String

    /// "line LINE: MESSAGE".
    public var description: String { "exposition text, line \(line): \(message)" }
}

/// Parses metrics as text: Prometheus' format and OpenMetrics.
///
/// One pass over the bytes. HELP, TYPE, UNIT and other comments are skipped: samples go by their own full names,
/// so an OpenMetrics counter is `NAME_total`, as it is in Prometheus.
public enum ExpositionParser {
    /// Parses every sample.
    /// - Parameters:
    ///   - text: a whole scrape.
    ///   - format: what its Content-Type says it is.
    /// - Throws: `ExpositionError` for the first malformed line, and for a truncated text: in Prometheus' format one
    ///   whose last line has no line feed, in OpenMetrics one without "# EOF" at its end.
    public static func parse(_ text: [UInt8], format: ExpositionFormat = .prometheus) throws -> [MetricSample] {
        var samples: [MetricSample] = []
        try forEachSample(in: text, named: nil, format: format) { samples.append($0) }
        return samples
    }

    /// Parses the samples of some metrics and passes them on, in order.
    /// - Parameters:
    ///   - text: a whole scrape.
    ///   - names: the metrics wanted, or `nil` for all. Lines of others are skipped unread.
    ///   - format: what the text's Content-Type says it is.
    ///   - body: called once for each sample.
    /// - Throws: as `parse(_:format:)`, and what `body` throws.
    public static func forEachSample(
        in text: [UInt8], named names: Set<String>?, format: ExpositionFormat = .prometheus,
        _ body: (MetricSample) throws -> Void
    ) throws {
        let wanted = names.map { $0.map { Array($0.utf8) } }
        try text.withUnsafeBytes { text in
            var start = 0
            var line = 1
            var isComplete = format == .prometheus
            while start < text.count, let base = text.baseAddress {
                let feed = memchr(base + start, 0x0A, text.count - start)
                let end = feed.map { UnsafeRawPointer($0) - base } ?? text.count
                let bytes = UnsafeRawBufferPointer(rebasing: text[start..<end])
                if format == .openMetrics {
                    guard !isComplete else { throw ExpositionError(line: line, message: "there is text after # EOF") }
                    isComplete = bytes.elementsEqual(endMark)
                }
                // OpenMetrics may leave out the line feed after its last line, and after no other.
                guard feed != nil || format == .openMetrics && isComplete else {
                    throw ExpositionError(line: line, message: "the text ends without a line feed: it was cut short")
                }
                var parser = ExpositionLineParser(bytes: bytes, line: line, format: format)
                if let sample = try parser.parse(wanted) { try body(sample) }
                start = end + 1
                line += 1
            }
            guard isComplete else {
                throw ExpositionError(line: line, message: "the text ends without # EOF: it was cut short")
            }
        }
    }

    private static let endMark = Array("# EOF".utf8)
}
