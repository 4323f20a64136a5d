import Foundation

/// A table of numbers from a CSV file: a header, then a row a line. An empty cell or NaN is a missing value. Quotes have no
/// meaning.
struct NumberTable {
    /// The file's name in messages.
    let name: String
    /// All columns of the header.
    let header: [String]
    /// The columns that are kept.
    let columns: [String]
    private let isKept: [Bool]
    /// Rows of a value for each column, one after the other; NaN for missing values.
    private(set) var values: [Float] = []

    /// Reads a file, or the standard input for `-`.
    /// - Parameter ignored: columns to leave out, whatever is in them.
    init(file: String, ignoring ignored: [String]) throws(CommandFailure) {
        name = file == "-" ? "standard input" : file
        let data: Data
        do {
            data =
                try file == "-"
                ? FileHandle.standardInput.readToEnd() ?? Data() : Data(contentsOf: URL(filePath: file))
        } catch {
            throw CommandFailure(message: "\(name): cannot be read: \(error.localizedDescription)")
        }
        guard let text = String(bytes: data, encoding: .utf8) else {
            throw CommandFailure(
                message: "\(name): not text", hint: "a compressed file goes through zcat: zcat FILE | berth anomaly -")
        }
        // A carriage return and the line feed after it are one character.
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let header = lines[0].split(separator: ",", omittingEmptySubsequences: false).map(Self.trimmed)
        self.header = header
        isKept = header.map { !ignored.contains($0) }
        columns = header.filter { !ignored.contains($0) }
        guard lines[0].contains(where: { !$0.isWhitespace }) else {
            throw CommandFailure(message: "\(name):1: expected a header with the columns' names")
        }
        for (index, column) in header.enumerated() where column.isEmpty || header[..<index].contains(column) {
            throw CommandFailure(
                message: "\(name):1: column \(index + 1) is \(column.isEmpty ? "without a name" : "a second \(column)")"
            )
        }
        values.reserveCapacity(lines.count * columns.count)
        for (index, line) in lines.enumerated().dropFirst() {
            // Nothing after the last line feed is no line; in a table of one column an empty line is a missing value.
            if line.isEmpty, index == lines.count - 1 { break }
            try append(line, number: index + 1)
        }
    }

    /// Rows below the header.
    var rows: Int { columns.isEmpty ? 0 : values.count / columns.count }

    private mutating func append(_ line: Substring, number: Int) throws(CommandFailure) {
        let cells = line.split(separator: ",", omittingEmptySubsequences: false)
        guard cells.count == header.count else {
            throw CommandFailure(message: "\(name):\(number): \(cells.count) cells, expected \(header.count)")
        }
        for (index, cell) in cells.enumerated() where isKept[index] {
            let text = Self.trimmed(cell)
            guard let value = text.isEmpty ? .nan : Float(text), !value.isInfinite else {
                throw CommandFailure(
                    message:
                        "\(name):\(number): \(header[index]) is \"\(text)\", expected a finite number, or nothing or NaN for "
                        + "a missing one", hint: "--ignore \(header[index]) leaves the column out")
            }
            values.append(value)
        }
    }

    private static func trimmed(_ cell: Substring) -> String { cell.trimmingCharacters(in: .whitespaces) }
}
