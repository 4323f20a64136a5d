import Randomness

/// Grows trees into their slots (algorithm 2 of the paper), with working memory that is allocated once.
///
/// A node cuts a feature drawn from those of which it holds at least two different values, at a point drawn uniformly
/// between the lowest and the highest.
struct TreeGrower: Sendable {
    private let width: Int
    private let sampleSize: Int
    private var sample: [Int]
    private var isTaken: [Bool]
    private var features: [Int]

    /// - Parameter rows: the most rows that a tree will be grown from.
    init(width: Int, sampleSize: Int, rows: Int) {
        (self.width, self.sampleSize) = (width, sampleSize)
        sample = Array(repeating: 0, count: sampleSize)
        isTaken = Array(repeating: false, count: rows)
        features = Array(0..<width)
    }

    /// Replaces a tree by one that is grown from a new sample of the first `count` rows.
    mutating func grow(
        tree: Int, from rows: Span<Float>, count: Int, into nodes: inout ForestNodes,
        generator: inout RandomGenerator
    ) {
        draw(from: count, &generator)
        let root = nodes.clear(tree: tree)
        grow(root, tree, 0..<sampleSize, depth: 0, rows, &nodes, &generator)
    }

    /// Draws rows without replacement (Floyd's algorithm; Bentley and Floyd, "A sample of brilliance", 1987).
    private mutating func draw(from count: Int, _ generator: inout RandomGenerator) {
        for index in 0..<sampleSize {
            let last = count - sampleSize + index
            let drawn = generator.index(below: last + 1)
            sample[index] = isTaken[drawn] ? last : drawn
            isTaken[sample[index]] = true
        }
        for row in sample { isTaken[row] = false }
        // The order of the features is left over from the tree before; a tree must depend on its draws only.
        for feature in 0..<width { features[feature] = feature }
    }

    private mutating func grow(
        _ node: Int, _ tree: Int, _ range: Range<Int>, depth: Int, _ rows: Span<Float>,
        _ nodes: inout ForestNodes, _ generator: inout RandomGenerator
    ) {
        guard range.count > 1, depth < nodes.height, let cut = cut(range, rows, &generator) else {
            nodes.setLeaf(node, depth: depth, rows: range.count)
            return
        }
        let middle = partition(range, rows, cut)
        let child = nodes.split(node, tree: tree, feature: cut.feature, threshold: cut.threshold)
        grow(child, tree, range.lowerBound..<middle, depth: depth + 1, rows, &nodes, &generator)
        grow(child + 1, tree, middle..<range.upperBound, depth: depth + 1, rows, &nodes, &generator)
    }

    private struct Cut {
        var feature: UInt32
        var threshold: Float
    }

    /// Draws a feature and a point; `nil` when no feature has two different values.
    private mutating func cut(_ range: Range<Int>, _ rows: Span<Float>, _ generator: inout RandomGenerator) -> Cut? {
        var candidates = width
        while candidates > 0 {
            let drawn = generator.index(below: candidates)
            let feature = features[drawn]
            var (lowest, highest) = (Float.infinity, -Float.infinity)
            for index in range {
                let value = rows[sample[index] * width + feature]
                // Comparisons with NaN are false: what is missing bounds nothing.
                if value < lowest { lowest = value }
                if value > highest { highest = value }
            }
            if lowest < highest {
                return cut(feature, range, rows, between: lowest, highest, generator.uniform())
            }
            candidates -= 1
            features.swapAt(drawn, candidates)
        }
        return nil
    }

    private func cut(
        _ feature: Int, _ range: Range<Int>, _ rows: Span<Float>, between lowest: Float, _ highest: Float,
        _ fraction: Double
    ) -> Cut {
        let exact = Double(lowest) + fraction * (Double(highest) - Double(lowest))
        // Rounding may reach the highest value, which must stay above the cut.
        let point = min(Float(exact), highest.nextDown)
        var (below, above) = (0, 0)
        for index in range {
            let value = rows[sample[index] * width + feature]
            if value <= point { below += 1 }
            if value > point { above += 1 }
        }
        let number = UInt32(feature)
        return below >= above
            ? Cut(feature: number, threshold: point)
            // Second are those at or below the point: -value > -(the next number after it).
            : Cut(feature: number | ForestNodes.turned, threshold: -point.nextUp)
    }

    /// Puts the rows of the first child before those of the second.
    /// - Returns: where the second's begin.
    private mutating func partition(_ range: Range<Int>, _ rows: Span<Float>, _ cut: Cut) -> Int {
        let feature = Int(cut.feature & ~ForestNodes.turned)
        var (low, high) = (range.lowerBound, range.upperBound)
        while low < high {
            if ForestNodes.isSecond(rows[sample[low] * width + feature], cut.feature, cut.threshold) {
                high -= 1
                sample.swapAt(low, high)
            } else {
                low += 1
            }
        }
        return low
    }
}
