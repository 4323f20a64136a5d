import CTrees
import JSON

/// XGBoost's trees as one array of nodes, for predictions only: XGBoost's own take some 40 µs for a row, and five times as long
/// as these for many (experiments/prediction/speed). Sums are in its order, so that results are its own to the last bit.
package struct FlatTrees: Sendable {
    private let width: Int
    private var nodes: [berth_tree_node] = []
    private var roots: [Int32] = []
    private var depths: [Int32] = []
    private var base: Float = 0

    /// Reads a model.
    /// - Parameters:
    ///   - json: what XGBoost wrote, version 1.7.
    ///   - width: number of features.
    /// - Throws: `PredictionError` for anything but numeric splits of those features.
    package init(json: [UInt8], width: Int) throws {
        self.width = width
        do {
            try JSONReader.reading(json) { reader in
                try Self.member("learner", of: reader) { reader in
                    try reader.readObject { reader, key in
                        switch key {
                        case "learner_model_param":
                            try Self.member("base_score", of: reader) { reader in
                                guard let base = Float(try reader.readString()), base.isFinite else {
                                    throw PredictionError("the trees' base_score is no number")
                                }
                                self.base = base
                            }
                        case "gradient_booster":
                            try Self.member("model", of: reader) { reader in
                                try Self.member("trees", of: reader) { reader in
                                    try reader.readArray { try append(Tree(reading: $0)) }
                                }
                            }
                        default: break
                        }
                    }
                }
            }
        } catch let error as JSONError {
            throw PredictionError("the trees cannot be read: \(error.message)")
        }
        guard !roots.isEmpty else { throw PredictionError("there are no trees") }
    }

    /// The trees' sums for rows, on the caller's thread.
    /// - Parameter values: rows × width, NaN where missing, none infinite.
    func predict(_ values: [Float]) -> [Float] {
        precondition(values.count.isMultiple(of: width), "rows of another width")
        let count = values.count / width
        return [Float](unsafeUninitializedCapacity: count) { out, initialized in
            if let first = out.baseAddress {
                berth_trees_sum(nodes, roots, depths, roots.count, base, values, count, width, first)
            }
            initialized = count
        }
    }

    private static func member(
        _ name: String, of reader: JSONReader, _ body: (JSONReader) throws -> Void
    ) throws {
        var isThere = false
        try reader.readObject { reader, key in
            guard key == name else { return }
            isThere = true
            try body(reader)
        }
        guard isThere else { throw PredictionError("the trees have no \(name)") }
    }

    /// A tree as XGBoost writes it: a number for each node.
    private struct Tree {
        var left: [Int] = []
        var right: [Int] = []
        var features: [Int] = []
        var conditions: [Float] = []
        var defaultsLeft: [Int] = []

        init(reading reader: JSONReader) throws {
            try reader.readObject { reader, key in
                func numbers() throws -> [Double] {
                    var numbers: [Double] = []
                    try reader.readNumbers { numbers.append(contentsOf: $0) }
                    return numbers
                }
                func integers() throws -> [Int] {
                    try numbers().map { number in
                        guard let integer = Int(exactly: number) else {
                            throw PredictionError("the trees' \(key) holds \(number), expected a whole number")
                        }
                        return integer
                    }
                }
                switch key {
                case "left_children": left = try integers()
                case "right_children": right = try integers()
                case "split_indices": features = try integers()
                case "split_conditions": conditions = try numbers().map { Float($0) }
                case "default_left": defaultsLeft = try integers()
                case "split_type":
                    guard try integers().allSatisfy({ $0 == 0 }) else {
                        throw PredictionError("the trees split by categories, expected numbers only")
                    }
                default: break
                }
            }
        }
    }

    /// Appends a tree, the children of each node next to each other.
    private mutating func append(_ tree: Tree) throws {
        let count = tree.left.count
        guard count > 0, [tree.right, tree.features, tree.defaultsLeft].allSatisfy({ $0.count == count }),
            tree.conditions.count == count
        else { throw PredictionError("the parts of a tree have different lengths") }
        let root = nodes.count
        var depth: Int32 = 0
        var isSeen = [Bool](repeating: false, count: count)
        // Nodes that wait for their place: where they are in XGBoost's arrays, and here.
        var waiting = [(source: 0, target: root, level: Int32(0))]
        nodes.append(berth_tree_node())
        var next = 0
        while next < waiting.count {
            let (source, target, level) = waiting[next]
            next += 1
            guard !isSeen[source] else { throw PredictionError("a node of a tree is its own ancestor") }
            isSeen[source] = true
            let condition = tree.conditions[source]
            guard condition.isFinite, nodes.count < Int(Int32.max) - 2 else {
                throw PredictionError("a threshold or leaf of a tree is \(condition), expected a finite number")
            }
            if tree.left[source] == -1 {
                nodes[target] = berth_tree_node(
                    threshold: .infinity, value: condition, left: Int32(target), feature: 0, missing_right: 0)
                depth = max(depth, level)
                continue
            }
            let (left, right, feature) = (tree.left[source], tree.right[source], tree.features[source])
            guard (0..<count).contains(left), (0..<count).contains(right), (0..<width).contains(feature) else {
                throw PredictionError("a node of a tree has children or a feature that there are not")
            }
            let children = nodes.count
            nodes[target] = berth_tree_node(
                threshold: condition, value: 0, left: Int32(children), feature: Int16(feature),
                missing_right: tree.defaultsLeft[source] == 0 ? 1 : 0)
            nodes.append(berth_tree_node())
            nodes.append(berth_tree_node())
            waiting.append((left, children, level + 1))
            waiting.append((right, children + 1, level + 1))
        }
        roots.append(Int32(root))
        depths.append(depth)
    }
}
