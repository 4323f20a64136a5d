import Foundation

extension ForestNodes {
    /// Steps that are under way at once: each waits for memory, and none for another.
    private static var lanes: Int { 16 }
    /// Rows that all trees see before the next rows: as many as stay in the cache beside a tree.
    private static var chunk: Int { 1_024 }

    /// Adds the lengths of each row's paths through all trees.
    /// - Parameters:
    ///   - rows: whole rows, one after the other.
    ///   - sums: as many as there are rows.
    func addPathLengths(_ rows: Span<Float>, to sums: inout MutableSpan<Double>) {
        let count = sums.count
        var first = 0
        while first < count {
            let end = min(count, first + Self.chunk)
            for tree in 0..<trees {
                var row = first
                while row < end {
                    addPathLengths(rows, from: row, to: end, root: UInt32(tree * slotSize), sums: &sums)
                    row += Self.lanes
                }
            }
            first = end
        }
    }

    /// Up to `lanes` rows through one tree. Past the last row its lanes repeat it, unread.
    @inline(__always)
    private func addPathLengths(
        _ rows: Span<Float>, from first: Int, to end: Int, root: UInt32, sums: inout MutableSpan<Double>
    ) {
        let (nodes, lengths) = (nodes.span, lengths.span)
        var at = InlineArray<16, UInt32>(repeating: root)
        var offsets = InlineArray<16, Int>(repeating: 0)
        for lane in 0..<Self.lanes { offsets[lane] = min(first + lane, end - 1) * width }
        for _ in 0..<height {
            for lane in 0..<Self.lanes {
                at[lane] = Self.next(nodes[Int(at[lane])], rows, offsets[lane])
            }
        }
        for lane in 0..<min(Self.lanes, end - first) { sums[first + lane] += Double(lengths[Int(at[lane])]) }
    }

    /// The sum of the lengths of one row's paths, several trees at once. The same bits as in a batch.
    func pathLengths(_ row: Span<Float>) -> Double {
        let (nodes, lengths) = (nodes.span, lengths.span)
        var sum = 0.0
        var first = 0
        while first < trees {
            var at = InlineArray<16, UInt32>(repeating: 0)
            for lane in 0..<Self.lanes { at[lane] = UInt32(min(first + lane, trees - 1) * slotSize) }
            for _ in 0..<height {
                for lane in 0..<Self.lanes { at[lane] = Self.next(nodes[Int(at[lane])], row, 0) }
            }
            for lane in 0..<min(Self.lanes, trees - first) { sum += Double(lengths[Int(at[lane])]) }
            first += Self.lanes
        }
        return sum
    }

    @inline(__always)
    static func next(_ node: Node, _ rows: Span<Float>, _ offset: Int) -> UInt32 {
        let value = rows[offset + Int(node.feature & ~turned)]
        return node.child &+ (isSecond(value, node.feature, node.threshold) ? 1 : 0)
    }

    /// Whether a value goes to the second child; NaN never does.
    @inline(__always)
    static func isSecond(_ value: Float, _ feature: UInt32, _ threshold: Float) -> Bool {
        Float(bitPattern: value.bitPattern ^ (feature & turned)) > threshold
    }

    /// s = 2^(-E(h) / c(n)), equation 2 of the paper, from the sum of the paths' lengths.
    func score(pathLengths sum: Double) -> Double {
        exp2(-sum / Double(trees) / PathLength.expected(sampleSize))
    }
}
