public import Windows

/// Reads what `pcm 20 -csv` writes, line by line as it grows.
///
/// Two header lines come first: the scope (System, Socket 0, SKT0dataIn, ...) over the column's name (Date, Time, EXEC,
/// IPC, ...). Which columns there are depends on the processor and on PCM's version, so values are found by the pair of
/// scope and name, never by position. Old versions write a scope once and leave the cells after it empty; new ones
/// repeat it.
public struct PCMTable: Sendable {
    /// One window's values.
    public struct Row: Sendable {
        fileprivate var values: [Column: Double] = [:]
        /// The end of the window, in seconds since 1970; `nil` where the row has no date.
        public fileprivate(set) var time: Double?

        /// The value of the column `name` under `scope`; `nil` where there is no such column or it holds no number
        /// ("N/A").
        public subscript(scope: String, name: String) -> Double? { values[Column(scope: scope, name: name)] }

        /// The sum of the columns under `scope`; `nil` where there are none, or one holds no number.
        fileprivate func sum(under scope: String, of columns: [Column?]) -> Double? {
            let wanted = columns.compactMap { $0?.scope == scope ? $0 : nil }
            guard !wanted.isEmpty else { return nil }
            var sum = 0.0
            for column in wanted {
                guard let value = values[column] else { return nil }
                sum += value
            }
            return sum
        }
    }

    fileprivate struct Column: Hashable, Sendable {
        var scope: String
        var name: String
    }

    /// The window's length in seconds: what `pcm` was told.
    public let seconds: Double
    /// What to add to local time for UTC, in seconds: `pcm` writes dates in its machine's time zone.
    public let utcOffset: Double
    /// Lines that were skipped: too short because they were cut off, or not of the table.
    public private(set) var skippedLines = 0
    private var columns: [Column?] = []
    private var previous = ""

    /// A table of which nothing was read.
    /// - Parameters:
    ///   - seconds: the window's length: what `pcm` was told, above 0.
    ///   - utcOffset: seconds to add to its machine's local time for UTC.
    public init(seconds: Double, utcOffset: Double = 0) {
        precondition(seconds > 0, "a window has a length")
        self.seconds = seconds
        self.utcOffset = utcOffset
    }

    /// Takes in the next line, without its line feed.
    /// - Returns: the row; `nil` for a header, an empty line and what is not a whole row.
    public mutating func read(_ line: String) -> Row? {
        let line = line.hasSuffix("\r") ? String(line.dropLast()) : line
        defer { previous = line }
        guard line.contains(where: { !$0.isWhitespace }) else { return nil }
        let cells = Self.cells(line)
        if cells.count > 2, cells[0] == "Date", cells[1] == "Time" {
            columns = Self.columns(scopes: Self.cells(previous), names: cells)
            // The scopes came before anything told them from a line that is no part of the table.
            if skippedLines > 0 { skippedLines -= 1 }
            return nil
        }
        guard !columns.isEmpty, cells.count >= columns.count else {
            skippedLines += 1
            return nil
        }
        var row = Row()
        for (column, cell) in zip(columns, cells) {
            guard let column, row.values[column] == nil, let value = Double(cell), value.isFinite else { continue }
            row.values[column] = value
        }
        row.time = Self.time(date: cells[0], clock: cells[1]).map { $0 + utcOffset }
        guard row.time != nil else {
            skippedLines += 1
            return nil
        }
        return row
    }

    /// Reads a whole file. A last line without a line feed is still being written and is left out.
    /// - Throws: `PCMError` where there is no header.
    public static func rows(of text: String, seconds: Double, utcOffset: Double = 0) throws -> [PCMFigures] {
        var table = PCMTable(seconds: seconds, utcOffset: utcOffset)
        var rows: [PCMFigures] = []
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        lines.removeLast()
        for line in lines {
            if let row = table.read(String(line)), let figures = table.figures(of: row) { rows.append(figures) }
        }
        guard !table.columns.isEmpty else {
            throw PCMError("the file holds no header: a line that begins with Date,Time under one of scopes")
        }
        return rows
    }

    /// The figures of a row; `nil` where it has no time.
    public func figures(of row: Row) -> PCMFigures? {
        guard let time = row.time else { return nil }
        var missRatio: Double?
        if let hitRatio = row["System", "L3HIT"] {
            // Without any reference both are 0: the ratio is undefined, not the worst.
            let misses = row["System", "L3MISS"] ?? 0
            if hitRatio > 0 || misses > 0 { missRatio = 1 - hitRatio }
        }
        var bytes: Double?
        if let reads = row["System", "READ"], let writes = row["System", "WRITE"] { bytes = (reads + writes) * 1e9 }
        func joules(_ name: String) -> Double? {
            row["System", name] ?? row.sum(under: name, of: columns)
        }
        return PCMFigures(
            time: time, seconds: seconds, instructionsPerCycle: row["System", "IPC"], cacheMissRatio: missRatio,
            memoryBytes: bytes, packageJoules: joules("Proc Energy (Joules)"),
            memoryJoules: joules("DRAM Energy (Joules)"))
    }

    private static func cells(_ line: String) -> [String] {
        line.split(separator: ",", omittingEmptySubsequences: false).map { cell in
            String(cell.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }
    }

    private static func columns(scopes: [String], names: [String]) -> [Column?] {
        var columns: [Column?] = []
        var scope = ""
        for (index, name) in names.enumerated() {
            if index < scopes.count, !scopes[index].isEmpty { scope = scopes[index] }
            columns.append(name.isEmpty ? nil : Column(scope: scope, name: name))
        }
        while let last = columns.last, last == nil { columns.removeLast() }
        return columns
    }

    /// "2026-11-21" and "05:48:18.123" as seconds since 1970.
    private static func time(date: String, clock: String) -> Double? {
        let days = date.split(separator: "-").compactMap { Int($0) }
        let parts = clock.split(separator: ":").compactMap { Double($0) }
        guard days.count == 3, parts.count == 3, (1...12).contains(days[1]), (1...31).contains(days[2]),
            parts.allSatisfy({ $0 >= 0 && $0 < 61 })
        else { return nil }
        // Days from the civil calendar (Hinnant, "chrono-compatible low-level date algorithms").
        let year = days[1] <= 2 ? days[0] - 1 : days[0]
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * ((days[1] + 9) % 12) + 2) / 5 + days[2] - 1
        let day = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return Double(day) * 86_400 + parts[0] * 3_600 + parts[1] * 60 + parts[2]
    }
}
