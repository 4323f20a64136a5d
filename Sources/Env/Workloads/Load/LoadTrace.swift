import Foundation
public import Settings

/// Request counts per period of equal length, read from a CSV file.
public struct LoadTrace: Sendable, Equatable {
    /// Counts / mean count, in the order of the file.
    public let levels: [Float]

    /// A trace of counts, scaled to mean 1.
    /// - Throws: `SettingsError` when there are no counts or their mean is 0.
    public init(counts: [Double]) throws(SettingsError) {
        let mean = counts.reduce(0, +) / Double(max(1, counts.count))
        guard mean > 0 else {
            throw SettingsError(
                key: "path", problem: "the trace must hold counts with a mean above 0, found \(counts.count) counts")
        }
        levels = counts.map { Float($0 / mean) }
    }

    /// Reads a CSV file with a header line; the last column of each further line is a count.
    /// - Throws: `SettingsError` that names the file and the line.
    public init(path: String) throws(SettingsError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SettingsError(
                key: "path", problem: "cannot read the trace \"\(path)\"",
                hint: "expected a CSV file such as \"minute,count\"; paths are relative to the working directory")
        }
        var counts: [Double] = []
        let text = String(decoding: data, as: UTF8.self)
        for (number, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
        where number > 0 && !line.isEmpty {
            let field = line.split(separator: ",", omittingEmptySubsequences: false).last ?? ""
            guard let count = Double(field.trimmingCharacters(in: .whitespaces)), count >= 0, count.isFinite else {
                throw SettingsError(
                    key: "path",
                    problem: "\(path):\(number + 1): expected a count of 0 or more in the last column,"
                        + " found \"\(field)\"")
            }
            counts.append(count)
        }
        try self.init(counts: counts)
    }
}
