import CKernels
import COpenBLAS

/// Numeric kernels over flat row-major memory: products by OpenBLAS, the rest by `CKernels`.
///
/// On one processor model, with one build of OpenBLAS and one `KernelSet`, equal inputs give equal bits; with another
/// they may differ in the last ones. No more than 64 threads may multiply at a time, which is what OpenBLAS is built for.
public enum Kernels {
    // What repeats, bit for bit. OpenBLAS groups the rows of a product and treats those left over differently, so that
    // a row's last bits depend on how many rows there are and on where it stands; they depend neither on the other
    // rows' contents nor on where the matrices lie in memory. Whoever needs results that do not change with the number
    // of threads therefore has to see to it that threads do not decide the shape of a product.

    /// c = a · b. A row's last bits depend on the number of rows and on where it stands, not on the other rows.
    /// - Parameters:
    ///   - a: rows × inner.
    ///   - b: inner × columns.
    ///   - c: rows × columns.
    public static func product(
        _ a: Span<Float>, _ b: Span<Float>, rows: Int, inner: Int, columns: Int, into c: inout MutableSpan<Float>
    ) {
        precondition(a.count == rows * inner && b.count == inner * columns && c.count == rows * columns)
        multiply(a, b, rows: rows, inner: inner, columns: columns, adding: false, to: &c)
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
        bias.withUnsafeBufferPointer { bias in
            c.withUnsafeMutableBufferPointer { c in
                guard let source = bias.baseAddress, let target = c.baseAddress else { return }
                berth_fill_rows(rows, columns, source, target)
            }
        }
        multiply(a, b, rows: rows, inner: inner, columns: columns, adding: true, to: &c)
    }

    /// c = a · bᵀ: the gradient in a dense layer's inputs. Bits as in `product`.
    /// - Parameters:
    ///   - a: rows × inner.
    ///   - b: columns × inner.
    ///   - c: rows × columns.
    public static func product(
        _ a: Span<Float>, transposed b: Span<Float>, rows: Int, inner: Int, columns: Int,
        into c: inout MutableSpan<Float>
    ) {
        precondition(a.count == rows * inner && b.count == inner * columns && c.count == rows * columns)
        multiply(a, b, transposingB: true, rows: rows, inner: inner, columns: columns, adding: false, to: &c)
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
        multiply(
            a, transposingA: true, b, rows: rows, inner: inner, columns: columns, adding: true, to: &c,
            at: offset)
    }

    /// c = a · b, or c += a · b, of matrices that are stored as they are or transposed.
    private static func multiply(
        _ a: Span<Float>, transposingA: Bool = false, _ b: Span<Float>, transposingB: Bool = false, rows: Int,
        inner: Int, columns: Int, adding: Bool, to c: inout MutableSpan<Float>, at offset: Int = 0
    ) {
        guard rows > 0, columns > 0 else { return }
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                c.withUnsafeMutableBufferPointer { c in
                    // Leading dimensions must be positive even when a sum has no terms.
                    berth_openblas_multiply(
                        transposingA, transposingB, Int32(rows), Int32(columns), Int32(inner),
                        a.baseAddress, Int32(max(1, transposingA ? rows : inner)),
                        b.baseAddress, Int32(max(1, transposingB ? inner : columns)),
                        adding, c.baseAddress.map { $0 + offset }, Int32(columns))
                }
            }
        }
    }
}
