public import Randomness

/// The space of ragged observations: one context row, any number of node rows, any number of candidate rows.
public struct CandidateSpace: Space, Equatable {
    /// Features of the context row.
    public let contextWidth: Int
    /// Features of a node row.
    public let nodeWidth: Int
    /// Features of a candidate row.
    public let candidateWidth: Int
    /// Bound on the absolute value of every feature.
    public let bound: Float

    /// A space of rows of these widths.
    public init(contextWidth: Int, nodeWidth: Int, candidateWidth: Int, bound: Float) {
        self.contextWidth = contextWidth
        self.nodeWidth = nodeWidth
        self.candidateWidth = candidateWidth
        self.bound = bound
    }

    /// A batch is in the space when it holds one observation of these widths with every feature within the bound.
    public func problem(with value: CandidateBatch) -> String? {
        guard value.count == 1 else { return "holds \(value.count) observations, expected 1" }
        guard value.contextWidth == contextWidth, value.nodeWidth == nodeWidth, value.candidateWidth == candidateWidth
        else {
            return "has widths (\(value.contextWidth), \(value.nodeWidth), \(value.candidateWidth)), "
                + "expected (\(contextWidth), \(nodeWidth), \(candidateWidth))"
        }
        for (rows, width, name) in [
            (value.contexts, contextWidth, "context"), (value.nodeRows, nodeWidth, "node"),
            (value.candidateRows, candidateWidth, "candidate"),
        ] {
            for (index, feature) in rows.enumerated() where !(abs(feature) <= bound) {
                return "\(name) row \(index / width), feature \(index % width) is \(feature), "
                    + "expected -\(bound)...\(bound)"
            }
        }
        return nil
    }

    /// One observation with 1 to 8 nodes and candidates and uniform features.
    public func sample(using generator: inout RandomGenerator) -> CandidateBatch {
        var batch = CandidateBatch(space: self)
        let nodeCount = 1 + generator.index(below: 8)
        let candidateCount = 1 + generator.index(below: 8)
        batch.append(nodeCount: nodeCount, candidateCount: candidateCount) { context, nodes, candidates in
            for i in context.indices { context[i] = Float(generator.uniform(in: -1...1)) * bound }
            for i in nodes.indices { nodes[i] = Float(generator.uniform(in: -1...1)) * bound }
            for i in candidates.indices { candidates[i] = Float(generator.uniform(in: -1...1)) * bound }
        }
        return batch
    }
}
