/// Stored are the nodes that are used: a leaf's feature is -1 and its value the length of the path; an inner node's value is
/// its threshold, and its child's position counts from the tree's root. No value is infinite, so that JSON can hold it.
extension ForestNodes: Codable {
    private enum Key: String, CodingKey {
        case width, trees, sampleSize, counts, features, values, children
    }

    func encode(to encoder: any Encoder) throws {
        var (features, values, children) = ([Int64](), [Float](), [Int32]())
        for tree in 0..<trees {
            let first = tree * slotSize
            for index in first..<first + counts[tree] {
                let node = nodes[index]
                let isLeaf = Int(node.child) == index
                features.append(isLeaf ? -1 : Int64(node.feature))
                values.append(isLeaf ? lengths[index] : node.threshold)
                children.append(Int32(Int(node.child) - first))
            }
        }
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(width, forKey: .width)
        try container.encode(trees, forKey: .trees)
        try container.encode(sampleSize, forKey: .sampleSize)
        try container.encode(counts, forKey: .counts)
        try container.encode(features, forKey: .features)
        try container.encode(values, forKey: .values)
        try container.encode(children, forKey: .children)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let width = try container.decode(Int.self, forKey: .width)
        let trees = try container.decode(Int.self, forKey: .trees)
        let sampleSize = try container.decode(Int.self, forKey: .sampleSize)
        let counts = try container.decode([Int].self, forKey: .counts)
        let features = try container.decode([Int64].self, forKey: .features)
        let values = try container.decode([Float].self, forKey: .values)
        let children = try container.decode([Int32].self, forKey: .children)

        func refuse(_ problem: String) -> DecodingError {
            DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not an isolation forest: \(problem)"))
        }
        guard (1...1_000_000).contains(width), (1...1_000).contains(trees), (2...4_096).contains(sampleSize) else {
            throw refuse("\(trees) trees of \(sampleSize) rows of \(width) features")
        }
        guard counts.count == trees, counts.allSatisfy({ (1...2 * sampleSize - 1).contains($0) }) else {
            throw refuse("the trees' numbers of nodes do not fit \(trees) trees of \(sampleSize) rows")
        }
        let total = counts.reduce(0, +)
        guard features.count == total, values.count == total, children.count == total else {
            throw refuse("there are not \(total) features, values and children")
        }
        self.init(width: width, trees: trees, sampleSize: sampleSize)
        var next = 0
        for tree in 0..<trees {
            let root = clear(tree: tree)
            setCount(counts[tree], tree: tree)
            // Children come after their parent, in pairs, each once: so there is no circle, and a path ends in a leaf.
            var depths = Array(repeating: -1, count: counts[tree])
            depths[0] = 0
            for offset in 0..<counts[tree] {
                defer { next += 1 }
                let value = values[next]
                guard value.isFinite, depths[offset] >= 0 else { throw refuse("node \(offset) of tree \(tree)") }
                if features[next] < 0 {
                    setStored(
                        root + offset, Node(threshold: .infinity, feature: 0, child: UInt32(root + offset)),
                        length: value)
                    continue
                }
                let child = Int(children[next])
                guard let feature = UInt32(exactly: features[next]), feature & ~Self.turned < width,
                    child > offset, child + 1 < counts[tree], depths[offset] < height,
                    depths[child] < 0, depths[child + 1] < 0
                else { throw refuse("node \(offset) of tree \(tree)") }
                (depths[child], depths[child + 1]) = (depths[offset] + 1, depths[offset] + 1)
                setStored(
                    root + offset, Node(threshold: value, feature: feature, child: UInt32(root + child)), length: 0)
            }
        }
    }
}
