import CKernels
import COpenBLAS

/// Numeric kernels over flat row-major memory.
///
/// On one processor model equal inputs give equal bits; processors with and without fused multiply-add differ in the
/// last ones. No function allocates in proportion to its rows.
public enum Kernels {
    /// Right-hand matrices of more elements than this go to OpenBLAS, which blocks for the cache; smaller ones stay in
    /// the second-level cache whole and are multiplied by `berth_product`, which costs no packing.
    static let blasThreshold = 1 << 17

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
                        a.baseAddress, (inner, 1), b.baseAddress, nil, c.baseAddress, rows: rows, inner: inner,
                        columns: columns, accumulate: false)
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
                            a.baseAddress, (inner, 1), b.baseAddress, bias.baseAddress, c.baseAddress, rows: rows,
                            inner: inner, columns: columns, accumulate: false)
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
                    multiply(
                        a.baseAddress, (1, rows), b.baseAddress, nil, c.baseAddress.map { $0 + offset }, rows: rows,
                        inner: inner, columns: columns, accumulate: true)
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

    /// The product behind the public ones; element (i, p) of a stands at `i * strides.0 + p * strides.1`.
    private static func multiply(
        _ a: UnsafePointer<Float>?, _ strides: (Int, Int), _ b: UnsafePointer<Float>?, _ bias: UnsafePointer<Float>?,
        _ c: UnsafeMutablePointer<Float>?, rows: Int, inner: Int, columns: Int, accumulate: Bool
    ) {
        guard rows > 0, columns > 0, let c else { return }
        guard inner * columns > blasThreshold else {
            berth_product(
                rows, columns, inner, a, strides.0, strides.1, b, columns, bias, c, columns, accumulate ? 1 : 0)
            return
        }
        _ = singleThreadedBLAS
        if let bias {
            for row in 0..<rows { (c + row * columns).update(from: bias, count: columns) }
        }
        let isTransposed = strides.0 == 1
        cblas_sgemm(
            CblasRowMajor, isTransposed ? CblasTrans : CblasNoTrans, CblasNoTrans, blasint(rows), blasint(columns),
            blasint(inner), 1, a, blasint(isTransposed ? strides.1 : strides.0), b, blasint(columns),
            accumulate || bias != nil ? 1 : 0, c, blasint(columns))
    }
}
