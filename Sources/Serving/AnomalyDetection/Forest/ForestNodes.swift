/// The nodes of all trees in one array, a slot of equal size for each tree.
///
/// Both children of a node are neighbours. A row goes to the first, which held at least as much of the sample, unless its
/// value is beyond the threshold; so a missing value, which compares false with everything, goes where most went. A leaf is
/// its own first child and its threshold is beyond all values: descending as many steps as the height limit ends in a
/// leaf without asking, on the way, whether one is reached.
struct ForestNodes: Sendable, Equatable {
    struct Node: Sendable, Equatable {
        /// Compared with the value, or with its negative where `feature` has its highest bit set.
        var threshold: Float
        /// Position in the row; the highest bit says that the value's sign is turned.
        var feature: UInt32
        /// Position of the first child in the array; the second follows.
        var child: UInt32
    }

    static let turned: UInt32 = 0x8000_0000

    let width: Int
    let trees: Int
    /// Rows that each tree was grown from.
    let sampleSize: Int
    /// Slots of `slotSize`; beyond a tree's `counts` the nodes are not used.
    private(set) var nodes: [Node]
    /// For each node, when it is a leaf, the length of the path that ends in it: its depth + c(rows that it held).
    private(set) var lengths: [Float]
    /// Nodes of each tree.
    private(set) var counts: [Int]

    init(width: Int, trees: Int, sampleSize: Int) {
        (self.width, self.trees, self.sampleSize) = (width, trees, sampleSize)
        let slots = trees * (2 * sampleSize - 1)
        nodes = Array(repeating: Node(threshold: .infinity, feature: 0, child: 0), count: slots)
        lengths = Array(repeating: 0, count: slots)
        counts = Array(repeating: 0, count: trees)
    }

    /// Room for a tree: one whose leaves hold a row each.
    var slotSize: Int { 2 * sampleSize - 1 }

    var height: Int { PathLength.heightLimit(sampleSize) }

    /// Empties a tree's slot but for its root.
    /// - Returns: the root's position.
    mutating func clear(tree: Int) -> Int {
        let first = tree * slotSize
        for index in first..<first + slotSize {
            nodes[index] = Node(threshold: .infinity, feature: 0, child: UInt32(index))
            lengths[index] = 0
        }
        counts[tree] = 1
        return first
    }

    mutating func setLeaf(_ index: Int, depth: Int, rows: Int) {
        lengths[index] = Float(Double(depth) + PathLength.expected(rows))
    }

    /// Makes a node of two children.
    /// - Returns: the first child's position.
    mutating func split(_ index: Int, tree: Int, feature: UInt32, threshold: Float) -> Int {
        let child = tree * slotSize + counts[tree]
        counts[tree] += 2
        nodes[index] = Node(threshold: threshold, feature: feature, child: UInt32(child))
        return child
    }

    mutating func setStored(_ index: Int, _ node: Node, length: Float) {
        nodes[index] = node
        lengths[index] = length
    }

    mutating func setCount(_ count: Int, tree: Int) { counts[tree] = count }
}
