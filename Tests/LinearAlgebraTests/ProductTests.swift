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

extension Matrix {
    /// The transpose, element by element.
    var transposed: Matrix {
        var result = Matrix(rows: columns, columns: rows)
        for i in 0..<rows { for j in 0..<columns { result[j, i] = self[i, j] } }
        return result
    }
}

/// Sizes on both sides of vector and block boundaries.
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

    @Test("with the transpose on the right agree with double precision", arguments: shapes)
    func transposedRight(rows: Int, inner: Int, columns: Int) {
        var noise = Noise(13)
        let a = Matrix(rows: rows, columns: inner, values: noise.next(rows * inner))
        let b = Matrix(rows: columns, columns: inner, values: noise.next(inner * columns))
        let exact = reference(a, b.transposed)
        var c = Matrix(rows: rows, columns: columns)
        var span = c.values.mutableSpan
        Kernels.product(
            a.values.span, transposed: b.values.span, rows: rows, inner: inner, columns: columns, into: &span)
        for (value, truth) in zip(c.values, exact) {
            #expect(abs(Double(value) - truth) < 2e-6 * Double(inner))
        }
    }

    /// What rollouts rely on: see `Kernels`.
    @Test(
        "of one shape give a row the same bits whatever the other rows and wherever the matrices lie",
        arguments: [(4, 64), (64, 64), (37, 50), (64, 2), (128, 1), (300, 130)])
    func rowsAreIndependent(inner: Int, columns: Int) {
        var noise = Noise(11)
        let row = noise.next(inner)
        let b = noise.next(inner * columns)
        for count in [1, 2, 3, 4, 5, 7, 8, 16, 65] {
            for position in Set([0, 1, count / 2, count - 1]) where position < count {
                var first: [Float]?
                for shift in 0..<5 {
                    // The operands start `shift` floats into their memory.
                    var a = noise.next(shift + count * inner)
                    for column in 0..<inner { a[shift + position * inner + column] = row[column] }
                    let shifted = [Float](repeating: 0, count: shift) + b
                    var c = [Float](repeating: 0, count: shift + count * columns)
                    c.withUnsafeMutableBufferPointer { c in
                        var target = c.extracting(shift...).mutableSpan
                        Kernels.product(
                            a.span.extracting(shift...), shifted.span.extracting(shift...), rows: count,
                            inner: inner, columns: columns, into: &target)
                    }
                    let start = shift + position * columns
                    let result = Array(c[start..<start + columns])
                    #expect(result == first ?? result)
                    first = result
                }
            }
        }
    }

    @Test("of no rows are empty")
    func empty() {
        #expect((Matrix(rows: 0, columns: 3) * Matrix(rows: 3, columns: 2)).values.isEmpty)
        #expect((Matrix(rows: 2, columns: 0) * Matrix(rows: 0, columns: 2)).values == [0, 0, 0, 0])
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
