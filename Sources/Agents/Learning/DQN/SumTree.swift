/// A binary tree over numbers from 0 up whose nodes hold the sums of their children: changing a number and finding where
/// a running sum is reached cost O(log n) each (Schaul et al., 2016, appendix B.2.1).
package struct SumTree: Sendable {
    /// Number of leaves.
    package let count: Int
    /// First leaf: node i has the children 2i and 2i + 1, the root is node 1.
    private let firstLeaf: Int
    private var sums: [Double]

    /// A tree of zeros.
    package init(count: Int) {
        self.count = count
        var width = 1
        while width < count { width *= 2 }
        firstLeaf = width
        sums = Array(repeating: 0, count: 2 * width)
    }

    /// Sum of all leaves.
    package var total: Double { sums[1] }

    /// The number of a leaf.
    package subscript(leaf: Int) -> Double {
        get { sums[firstLeaf + leaf] }
        set {
            var node = firstLeaf + leaf
            sums[node] = newValue
            // Sums are computed again, not moved by the difference: no error piles up.
            while node > 1 {
                node /= 2
                sums[node] = sums[2 * node] + sums[2 * node + 1]
            }
        }
    }

    /// The leaf in whose share of the running sum `mass` lies; never one that is 0 unless all are.
    /// - Parameter mass: from 0 up to `total`.
    package func leaf(at mass: Double) -> Int {
        var (node, rest) = (1, mass)
        while node < firstLeaf {
            node *= 2
            // Rounding may leave a rest that is not below the sum; a subtree of zeros is no way out.
            if rest >= sums[node], sums[node + 1] > 0 {
                rest -= sums[node]
                node += 1
            }
        }
        return node - firstLeaf
    }
}
