import LinearAlgebra
import Testing

/// Repeatable numbers in [-1, 1).
struct Noise {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next() -> Float {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Float(state >> 40) * 0x1p-23 - 1
    }

    mutating func next(_ count: Int) -> [Float] { (0..<count).map { _ in next() } }
}

/// The product in double precision.
private func reference(_ a: Matrix, _ b: Matrix) -> [Double] {
    var c = [Double](repeating: 0, count: a.rows * b.columns)
    for i in 0..<a.rows {
        for j in 0..<b.columns {
            for p in 0..<a.columns { c[i * b.columns + j] += Double(a[i, p]) * Double(b[p, j]) }
        }
    }
    return c
}

/// Sizes on both sides of every block and vector boundary, and some that go to OpenBLAS.
private let shapes: [(rows: Int, inner: Int, columns: Int)] = [
    (1, 1, 1), (2, 3, 5), (7, 4, 16), (8, 64, 64), (9, 5, 33), (17, 20, 48), (64, 256, 64), (65, 31, 15),
    (100, 64, 2), (130, 7, 31), (256, 4, 64), (3, 300, 2), (5, 400, 400), (70, 512, 300), (400, 700, 330),
]

@Suite("Products")
struct ProductTests {
    @Test("agree with double precision", arguments: shapes)
    func product(rows: Int, inner: Int, columns: Int) {
        var noise = Noise(UInt64(rows * 31 + columns))
        let a = Matrix(rows: rows, columns: inner, values: noise.next(rows * inner))
        let b = Matrix(rows: inner, columns: columns, values: noise.next(inner * columns))
        let exact = reference(a, b)
        let product = a * b
        for (value, truth) in zip(product.values, exact) {
            #expect(abs(Double(value) - truth) < 2e-6 * Double(inner))
        }
    }

    @Test("with a bias add it to every row", arguments: shapes)
    func biased(rows: Int, inner: Int, columns: Int) {
        var noise = Noise(7)
        let a = Matrix(rows: rows, columns: inner, values: noise.next(rows * inner))
        let b = Matrix(rows: inner, columns: columns, values: noise.next(inner * columns))
        let bias = noise.next(columns)
        let exact = reference(a, b)
        var c = Matrix(rows: rows, columns: columns)
        var span = c.values.mutableSpan
        Kernels.product(
            a.values.span, b.values.span, bias: bias.span, rows: rows, inner: inner, columns: columns, into: &span)
        for index in exact.indices {
            #expect(abs(Double(c.values[index]) - exact[index] - Double(bias[index % columns])) < 2e-6 * Double(inner))
        }
    }

    @Test("with the transpose on the left are added to what is there", arguments: shapes)
    func transposed(rows: Int, inner: Int, columns: Int) {
        var noise = Noise(9)
        let a = Matrix(rows: inner, columns: rows, values: noise.next(rows * inner))
        let b = Matrix(rows: inner, columns: columns, values: noise.next(inner * columns))
        let start = noise.next(rows * columns)
        let exact = reference(a.transposed, b)
        var c = start
        var span = c.mutableSpan
        Kernels.addTransposedProduct(
            a.values.span, b.values.span, rows: rows, inner: inner, columns: columns, into: &span)
        for index in exact.indices {
            #expect(abs(Double(c[index]) - exact[index] - Double(start[index])) < 2e-6 * Double(inner))
        }
    }

    @Test(
        "give a row the same bits wherever it stands and however many there are",
        arguments: [(4, 64), (64, 64), (37, 50), (64, 2), (128, 1), (300, 130)])
    func rowsAreIndependent(inner: Int, columns: Int) {
        var noise = Noise(11)
        let row = noise.next(inner)
        let b = Matrix(rows: inner, columns: columns, values: noise.next(inner * columns))
        let alone = (Matrix(rows: 1, columns: inner, values: row) * b).values
        for count in [2, 3, 6, 8, 15, 16, 17, 64, 65, 200] {
            var many = Matrix(rows: count, columns: inner, values: noise.next(count * inner))
            for position in [0, 1, count / 2, count - 1] {
                for column in 0..<inner { many[position, column] = row[column] }
                let product = many * b
                #expect(Array(product.values[position * columns..<(position + 1) * columns]) == alone)
            }
        }
    }

    @Test("of no rows are empty")
    func empty() {
        #expect((Matrix(rows: 0, columns: 3) * Matrix(rows: 3, columns: 2)).values.isEmpty)
        #expect((Matrix(rows: 2, columns: 0) * Matrix(rows: 0, columns: 2)).values == [0, 0, 0, 0])
    }

    @Test("Transposing twice gives the matrix back", arguments: [(1, 1), (3, 17), (16, 16), (33, 50)])
    func transpose(rows: Int, columns: Int) {
        var noise = Noise(3)
        let matrix = Matrix(rows: rows, columns: columns, values: noise.next(rows * columns))
        #expect(matrix.transposed[columns - 1, 0] == matrix[0, columns - 1])
        #expect(matrix.transposed.transposed == matrix)
    }

    @Test("Resizing keeps the rows that remain and clears those that come")
    func resize() {
        var matrix = Matrix(rows: 2, columns: 2, values: [1, 2, 3, 4])
        matrix.resize(rows: 1)
        #expect(matrix.values == [1, 2])
        matrix.resize(rows: 3)
        #expect(matrix.values == [1, 2, 0, 0, 0, 0])
    }
}
