import Foundation

/// `metrics.csv`: one row for each report of a run, one column for each figure; what was not measured is empty.
struct MetricsTable {
    private let handle: FileHandle
    private let columns: [String]

    /// Opens the table of a run.
    /// - Parameters:
    ///   - columns: names of the figures; `step` comes before them.
    ///   - step: in a run that is resumed, its first step: rows beyond it, which a killed process wrote after its last
    ///     checkpoint, are dropped. 0 starts a new table.
    /// - Throws: `ExperimentError` when the file is of other columns; what the file system refuses.
    init(path: String, columns: [String], resumingAt step: Int) throws {
        self.columns = columns
        let header = (["step"] + columns).joined(separator: ",")
        var text = header + "\n"
        if step > 0, let old = try? String(contentsOfFile: path, encoding: .utf8) {
            let lines = old.split(separator: "\n")
            guard lines.first.map(String.init) == header else {
                throw ExperimentError(
                    .cannotResume, "\(path): its columns are not those of this run: expected \(header)")
            }
            for line in lines.dropFirst() {
                guard let row = line.prefix(while: { $0 != "," }).wholeMatch(of: /[0-9]+/), let at = Int(row.output),
                    at <= step
                else { continue }
                text += line + "\n"
            }
        }
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        handle = try FileHandle(forWritingTo: URL(filePath: path))
        try handle.seekToEnd()
    }

    /// Appends a row.
    /// - Precondition: as many values as columns.
    func append(step: Int, values: [Double?]) throws {
        precondition(values.count == columns.count, "a row of another width")
        let cells = values.map { $0.map { $0.isFinite ? "\($0)" : "" } ?? "" }
        try handle.write(contentsOf: Data(([String(step)] + cells).joined(separator: ",").utf8 + [0x0A]))
    }
}
