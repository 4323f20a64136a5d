import CKernels
import COpenBLAS

/// Numeric kernels over flat row-major memory.
///
/// On one processor model equal inputs give equal bits; processors with and without fused multiply-add differ in the
/// last ones. No function allocates in proportion to its rows.
public enum Kernels {
    /// Layers of more weights than this go to OpenBLAS, which blocks for the cache; smaller ones stay in the
    /// second-level cache whole and are multiplied by `berth_product`, which costs no packing.
    static let blasThreshold = 1 << 17

    /// Rows of both factors that a transposed product goes through at a time, so that they stay in the cache. Each
    /// element is still one sum in ascending order.
    static let transposedBlock = 256

    /// OpenBLAS' own threads slow small products down and would make the order of sums depend on their number.
    private static let singleThreadedBLAS: Void = openblas_set_num_threads(1)

    /// c = a · b.
    ///
    /// Up to 131,072 elements of b a row of c has the same bits whatever the number of rows and wherever it stands.
    /// - Parameters:
    ///   - a: rows × inner.
    ///   - b: inner × columns.
    ///   - c: rows × columns.
    public static func product(
        _ a: Span<Float>, _ b: Span<Float>, rows: Int, inner: Int, columns: Int, into c: inout MutableSpan<Float>
    ) {
        precondition(a.count == rows * inner && b.count == inner * columns && c.count == rows * columns)
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                c.withUnsafeMutableBufferPointer { c in
                    multiply(
                        a.baseAddress, b.baseAddress, nil, c.baseAddress, rows: rows, inner: inner, columns: columns)
                }
            }
        }
    }

    /// c = a · b + bias, the bias added to every row: a dense layer. Bits as in `product`.
    /// - Parameters:
    ///   - a: rows × inner.
    ///   - b: inner × columns.
    ///   - bias: columns values.
    ///   - c: rows × columns.
    public static func product(
        _ a: Span<Float>, _ b: Span<Float>, bias: Span<Float>, rows: Int, inner: Int, columns: Int,
        into c: inout MutableSpan<Float>
    ) {
        precondition(a.count == rows * inner && b.count == inner * columns && c.count == rows * columns)
        precondition(bias.count == columns)
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                bias.withUnsafeBufferPointer { bias in
                    c.withUnsafeMutableBufferPointer { c in
                        multiply(
                            a.baseAddress, b.baseAddress, bias.baseAddress, c.baseAddress, rows: rows, inner: inner,
                            columns: columns)
                    }
                }
            }
        }
    }

    /// c += aᵀ · b: the gradient of a dense layer's weights.
    /// - Parameters:
    ///   - a: inner × rows.
    ///   - b: inner × columns.
    ///   - c: holds the rows × columns matrix from element `offset` on.
    public static func addTransposedProduct(
        _ a: Span<Float>, _ b: Span<Float>, rows: Int, inner: Int, columns: Int, into c: inout MutableSpan<Float>,
        at offset: Int = 0
    ) {
        precondition(a.count == rows * inner && b.count == inner * columns)
        precondition(offset >= 0 && offset + rows * columns <= c.count)
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                c.withUnsafeMutableBufferPointer { c in
                    addTransposed(
                        a.baseAddress, b.baseAddress, c.baseAddress.map { $0 + offset }, rows: rows, inner: inner,
                        columns: columns)
                }
            }
        }
    }

    /// b = aᵀ.
    /// - Parameters:
    ///   - a: rows × columns.
    ///   - b: its first elements become the columns × rows matrix.
    public static func transpose(_ a: Span<Float>, rows: Int, columns: Int, into b: inout MutableSpan<Float>) {
        precondition(a.count == rows * columns && b.count >= rows * columns)
        a.withUnsafeBufferPointer { a in
            b.withUnsafeMutableBufferPointer { b in
                berth_transpose(rows, columns, a.baseAddress, b.baseAddress)
            }
        }
    }

    /// c = a · b + bias, or without bias.
    private static func multiply(
        _ a: UnsafePointer<Float>?, _ b: UnsafePointer<Float>?, _ bias: UnsafePointer<Float>?,
        _ c: UnsafeMutablePointer<Float>?, rows: Int, inner: Int, columns: Int
    ) {
        guard rows > 0, columns > 0, let c else { return }
        guard inner * columns > blasThreshold else {
            berth_product(rows, columns, inner, a, inner, 1, b, columns, bias, c, columns, 0)
            return
        }
        if let bias {
            for row in 0..<rows { (c + row * columns).update(from: bias, count: columns) }
        }
        blas(a, CblasNoTrans, b, c, rows: rows, inner: inner, columns: columns, accumulate: bias != nil)
    }

    /// c += aᵀ · b, where a is inner × rows.
    private static func addTransposed(
        _ a: UnsafePointer<Float>?, _ b: UnsafePointer<Float>?, _ c: UnsafeMutablePointer<Float>?, rows: Int,
        inner: Int, columns: Int
    ) {
        guard rows > 0, columns > 0, let a, let b, let c else { return }
        guard rows * columns <= blasThreshold else {
            blas(a, CblasTrans, b, c, rows: rows, inner: inner, columns: columns, accumulate: true)
            return
        }
        for first in stride(from: 0, to: inner, by: transposedBlock) {
            berth_product(
                rows, columns, min(transposedBlock, inner - first), a + first * rows, 1, rows, b + first * columns,
                columns, nil, c, columns, 1)
        }
    }

    private static func blas(
        _ a: UnsafePointer<Float>?, _ transposition: CBLAS_TRANSPOSE, _ b: UnsafePointer<Float>?,
        _ c: UnsafeMutablePointer<Float>, rows: Int, inner: Int, columns: Int, accumulate: Bool
    ) {
        _ = singleThreadedBLAS
        cblas_sgemm(
            CblasRowMajor, transposition, CblasNoTrans, blasint(rows), blasint(columns), blasint(inner), 1, a,
            blasint(transposition == CblasTrans ? rows : inner), b, blasint(columns), accumulate ? 1 : 0, c,
            blasint(columns))
    }
}
