import CKernels

/// Kernels over segments: segment s owns the rows (or logits) `offsets[s] ..< offsets[s + 1]`; the first offset is 0.
extension Kernels {
    /// Softmax and its logarithm within each segment. A segment without logits yields nothing.
    /// - Parameters:
    ///   - logits: offsets.last values.
    ///   - logProbabilities, probabilities: as many.
    public static func logSoftmax(
        _ logits: Span<Float>, offsets: Span<Int>, logProbabilities: inout MutableSpan<Float>,
        probabilities: inout MutableSpan<Float>
    ) {
        precondition(logits.count == offsets[offsets.count - 1])
        precondition(logProbabilities.count == logits.count && probabilities.count == logits.count)
        logits.withUnsafeBufferPointer { logits in
            offsets.withUnsafeBufferPointer { offsets in
                logProbabilities.withUnsafeMutableBufferPointer { logProbabilities in
                    probabilities.withUnsafeMutableBufferPointer { probabilities in
                        berth_log_softmax(
                            offsets.count - 1, offsets.baseAddress, logits.baseAddress, logProbabilities.baseAddress,
                            probabilities.baseAddress)
                    }
                }
            }
        }
    }

    /// Adds to every row the value of its segment.
    /// - Parameters:
    ///   - values: segments × width.
    ///   - rows: offsets.last × width.
    public static func add(
        _ values: Span<Float>, toSegments offsets: Span<Int>, width: Int, of rows: inout MutableSpan<Float>
    ) {
        precondition(values.count == (offsets.count - 1) * width && rows.count == offsets[offsets.count - 1] * width)
        values.withUnsafeBufferPointer { values in
            offsets.withUnsafeBufferPointer { offsets in
                rows.withUnsafeMutableBufferPointer { rows in
                    berth_add_to_segments(
                        offsets.count - 1, offsets.baseAddress, width, values.baseAddress, rows.baseAddress)
                }
            }
        }
    }

    /// The sum of each segment's rows; 0 for a segment without rows.
    /// - Parameters:
    ///   - rows: offsets.last × width.
    ///   - sums: segments × width.
    public static func sumSegments(
        _ rows: Span<Float>, offsets: Span<Int>, width: Int, into sums: inout MutableSpan<Float>
    ) {
        precondition(sums.count == (offsets.count - 1) * width && rows.count == offsets[offsets.count - 1] * width)
        rows.withUnsafeBufferPointer { rows in
            offsets.withUnsafeBufferPointer { offsets in
                sums.withUnsafeMutableBufferPointer { sums in
                    berth_sum_segments(
                        offsets.count - 1, offsets.baseAddress, width, rows.baseAddress, sums.baseAddress)
                }
            }
        }
    }

    /// Where pooled rows stand in a wider matrix: row s begins at `s * stride + column`.
    public struct PooledPlace: Sendable {
        /// Columns of the whole matrix.
        public var stride: Int
        /// First column of the pooled values.
        public var column: Int

        /// A place in a matrix of `stride` columns.
        public init(stride: Int, column: Int) {
            self.stride = stride
            self.column = column
        }
    }

    /// Mean and maximum of each segment's rows, column by column, side by side: at its place row s of `pooled` gets
    /// the mean (width values) and then the maximum (width values). A segment without rows gives zeros.
    /// - Parameters:
    ///   - rows: offsets.last × width.
    ///   - pooled: segments × place.stride.
    ///   - whereMaximal: segments × width: the first row (of all rows) that attains the maximum, -1 without rows.
    public static func poolSegments(
        _ rows: Span<Float>, offsets: Span<Int>, width: Int, into pooled: inout MutableSpan<Float>,
        at place: PooledPlace, whereMaximal: inout MutableSpan<Int32>
    ) {
        let segments = offsets.count - 1
        precondition(rows.count == offsets[segments] * width && place.column + 2 * width <= place.stride)
        precondition(pooled.count == segments * place.stride && whereMaximal.count == segments * width)
        rows.withUnsafeBufferPointer { rows in
            offsets.withUnsafeBufferPointer { offsets in
                pooled.withUnsafeMutableBufferPointer { pooled in
                    whereMaximal.withUnsafeMutableBufferPointer { index in
                        guard let mean = pooled.baseAddress.map({ $0 + place.column }) else { return }
                        berth_pool_segments(
                            segments, offsets.baseAddress, width, rows.baseAddress, place.stride, mean, mean + width,
                            index.baseAddress, width)
                    }
                }
            }
        }
    }

    /// The gradient of `poolSegments`: adds to `rowGradients` what `pooledGradients` passes back.
    /// - Parameters:
    ///   - pooledGradients: segments × place.stride, mean then maximum at their place.
    ///   - whereMaximal: as `poolSegments` gave it.
    ///   - rowGradients: offsets.last × width.
    public static func poolSegmentsBackward(
        _ pooledGradients: Span<Float>, at place: PooledPlace, offsets: Span<Int>, width: Int,
        whereMaximal: Span<Int32>, rowGradients: inout MutableSpan<Float>
    ) {
        let segments = offsets.count - 1
        precondition(rowGradients.count == offsets[segments] * width && place.column + 2 * width <= place.stride)
        precondition(pooledGradients.count == segments * place.stride && whereMaximal.count == segments * width)
        pooledGradients.withUnsafeBufferPointer { pooled in
            offsets.withUnsafeBufferPointer { offsets in
                whereMaximal.withUnsafeBufferPointer { index in
                    rowGradients.withUnsafeMutableBufferPointer { rows in
                        guard let mean = pooled.baseAddress.map({ $0 + place.column }) else { return }
                        berth_pool_segments_backward(
                            segments, offsets.baseAddress, width, place.stride, mean, mean + width,
                            index.baseAddress, width, rows.baseAddress)
                    }
                }
            }
        }
    }
}
