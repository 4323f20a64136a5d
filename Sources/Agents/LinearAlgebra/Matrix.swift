/// A row-major matrix of `Float`: element (i, j) is `values[i * columns + j]`.
public struct Matrix: Sendable, Equatable {
    /// Number of rows.
    public private(set) var rows: Int
    /// Number of columns.
    public let columns: Int
    /// The elements, rows × columns. Only the elements may change, never their number.
    public var values: [Float]

    /// A matrix of zeros.
    public init(rows: Int, columns: Int) {
        precondition(rows >= 0 && columns >= 0, "a matrix has no negative size")
        self.rows = rows
        self.columns = columns
        values = Array(repeating: 0, count: rows * columns)
    }

    /// A matrix of the given elements, row after row.
    /// - Precondition: `values.count` is rows × columns.
    public init(rows: Int, columns: Int, values: [Float]) {
        precondition(values.count == rows * columns, "a matrix needs rows x columns elements")
        self.rows = rows
        self.columns = columns
        self.values = values
    }

    /// Element (`row`, `column`).
    @inlinable
    public subscript(row: Int, column: Int) -> Float {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    /// Gives the matrix another number of rows. Elements are kept where there is room, new ones are 0; memory is only
    /// allocated when the matrix grows beyond its largest size so far. Cost: O(elements added).
    public mutating func resize(rows newRows: Int) {
        guard newRows != rows else { return }
        let count = newRows * columns
        if count <= values.count {
            values.removeLast(values.count - count)
        } else {
            values.append(contentsOf: repeatElement(0, count: count - values.count))
        }
        rows = newRows
    }

    /// Sets every element to 0.
    public mutating func clear() {
        var span = values.mutableSpan
        span.update(repeating: 0)
    }

    /// The product of two matrices.
    /// - Precondition: `left.columns == right.rows`.
    public static func * (left: Matrix, right: Matrix) -> Matrix {
        precondition(left.columns == right.rows, "the inner sizes of a product must agree")
        var result = Matrix(rows: left.rows, columns: right.columns)
        var span = result.values.mutableSpan
        Kernels.product(
            left.values.span, right.values.span, rows: left.rows, inner: left.columns, columns: right.columns,
            into: &span)
        return result
    }
}

extension Matrix {
    /// Appends one row.
    /// - Precondition: `row.count` is the number of columns.
    public mutating func append(row: Span<Float>) {
        precondition(row.count == columns, "a row of another width")
        row.withUnsafeBufferPointer { values.append(contentsOf: $0) }
        rows += 1
    }

    /// Appends rows of another matrix of as many columns.
    public mutating func append(rows range: Range<Int>, of other: Matrix) {
        precondition(other.columns == columns, "rows of another width")
        let elements = other.values.span.extracting(range.lowerBound * columns..<range.upperBound * columns)
        elements.withUnsafeBufferPointer { values.append(contentsOf: $0) }
        rows += range.count
    }

    /// Appends the rows `indices`, in that order, of another matrix of as many columns.
    public mutating func append(rows indices: Span<Int>, of other: Matrix) {
        precondition(other.columns == columns, "rows of another width")
        let width = columns
        let first = values.count
        values.append(contentsOf: repeatElement(0, count: indices.count * width))
        rows += indices.count
        var target = values.mutableSpan
        let source = other.values.span
        for position in indices.indices {
            let from = indices[position] * width
            let to = first + position * width
            for column in 0..<width { target[to + column] = source[from + column] }
        }
    }
}

extension Matrix: Codable {
    private enum CodingKeys: String, CodingKey {
        case rows, columns, values
    }

    /// Reads rows, columns and values.
    /// - Throws: `DecodingError` when there are not rows × columns values.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let (rows, columns) = (
            try container.decode(Int.self, forKey: .rows), try container.decode(Int.self, forKey: .columns)
        )
        let values = try container.decode([Float].self, forKey: .values)
        guard rows >= 0, columns >= 0, values.count == rows * columns else {
            throw DecodingError.dataCorruptedError(
                forKey: .values, in: container,
                debugDescription: "\(values.count) values in a matrix of \(rows) x \(columns)")
        }
        self.init(rows: rows, columns: columns, values: values)
    }
}
