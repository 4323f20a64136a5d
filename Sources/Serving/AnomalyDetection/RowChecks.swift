/// What both detectors ask of rows.
enum RowChecks {
    /// Refuses rows that do not fill the width, and infinite values. NaN is a missing value and passes.
    /// - Returns: the number of rows.
    static func rowCount(_ rows: Span<Float>, width: Int) throws(AnomalyError) -> Int {
        guard width > 0 else { throw AnomalyError("rows need at least 1 feature, found a width of \(width)") }
        guard rows.count % width == 0 else {
            throw AnomalyError(
                "\(rows.count) values are not whole rows of \(width) features: pass rows one after the other, each with "
                    + "all its features, NaN for a missing one")
        }
        for index in rows.indices where rows[index].isInfinite {
            throw AnomalyError(
                "row \(index / width), feature \(index % width) is \(rows[index]): values must be finite, or NaN where "
                    + "missing")
        }
        return rows.count / width
    }

    /// Whether a row has any value at all.
    static func hasValue(_ rows: Span<Float>, row: Int, width: Int) -> Bool {
        for column in 0..<width where !rows[row * width + column].isNaN { return true }
        return false
    }

    /// How many rows have any value.
    static func rowsWithValues(_ rows: Span<Float>, width: Int) -> Int {
        (0..<rows.count / width).count { hasValue(rows, row: $0, width: width) }
    }

    /// The rows that have any value.
    static func onlyRowsWithValues(_ rows: Span<Float>, width: Int) -> [Float] {
        var kept: [Float] = []
        kept.reserveCapacity(rows.count)
        for row in 0..<rows.count / width where hasValue(rows, row: row, width: width) {
            for column in 0..<width { kept.append(rows[row * width + column]) }
        }
        return kept
    }
}
