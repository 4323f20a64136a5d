import Foundation

/// Reads one column of a CSV file as a series: one row for each point in time, the oldest first. A cell that is empty or
/// `NA` is a missing value. The first line may name the columns.
public struct SeriesFile: Sendable, Equatable {
    /// The series.
    public let series: TimeSeries

    /// Reads a file.
    /// - Parameters:
    ///   - path: the file; `-` for standard input.
    ///   - column: the name of the column; `nil` for the last one.
    /// - Throws: `ForecastingError` naming file and line.
    public init(path: String, column: String? = nil) throws {
        let data: Data
        do {
            data =
                path == "-"
                ? try FileHandle.standardInput.readToEnd() ?? Data() : try Data(contentsOf: URL(filePath: path))
        } catch {
            throw ForecastingError("\(path): cannot be read: \(error.localizedDescription)")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            let packed = data.starts(with: [0x1f, 0x8b])
            throw ForecastingError(
                "\(path): not text in UTF-8"
                    + (packed ? "; it is packed by gzip: zcat it into the file -" : ""))
        }
        try self.init(text: text, name: path, column: column)
    }

    /// Reads text.
    /// - Parameters:
    ///   - text: the contents of a CSV file.
    ///   - name: what errors call it.
    ///   - column: the name of the column; `nil` for the last one.
    /// - Throws: `ForecastingError` naming file and line.
    public init(text: String, name: String, column: String? = nil) throws {
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        while lines.last?.allSatisfy(\.isWhitespace) == true { lines.removeLast() }
        guard let first = lines.first else { throw ForecastingError("\(name): no lines") }
        let header = Self.cells(first)
        let width = header.count
        var place = width - 1
        let isHeader = header.allSatisfy { !$0.isEmpty && $0 != "NA" } && Double(header[place]) == nil
        if let column {
            guard isHeader, let found = header.firstIndex(of: column) else {
                throw ForecastingError(
                    "\(name):1: there is no column \"\(column)\"; "
                        + (isHeader ? "found \(header.joined(separator: ", "))" : "the first line names no columns"))
            }
            place = found
        }
        var observations: [Double?] = []
        for (number, line) in lines.enumerated().dropFirst(isHeader ? 1 : 0) {
            let cells = Self.cells(line)
            guard cells.count == width else {
                throw ForecastingError("\(name):\(number + 1): expected \(width) cells, found \(cells.count)")
            }
            let cell = cells[place]
            if cell == "NA" || cell.isEmpty && width > 1 {
                observations.append(nil)
            } else if let value = Double(cell), value.isFinite {
                observations.append(value)
            } else {
                throw ForecastingError(
                    "\(name):\(number + 1): expected a number, or NA where nothing was observed; found \"\(cell)\"")
            }
        }
        guard observations.contains(where: { $0 != nil }) else {
            throw ForecastingError("\(name): no number in column \(place + 1)")
        }
        series = try TimeSeries(observations: observations)
    }

    /// The cells of a line; a comma within quotes ends none.
    private static func cells(_ line: Substring) -> [String] {
        var (cells, isQuoted) = ([""], false)
        for character in line {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted: cells.append("")
            default: cells[cells.count - 1].append(character)
            }
        }
        return cells.map { $0.trimmingCharacters(in: .whitespaces) }
    }
}
