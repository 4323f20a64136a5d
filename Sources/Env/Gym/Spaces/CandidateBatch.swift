/// Ragged observations one after the other in flat memory.
///
/// Observation i has the context row `contexts[i * contextWidth ..< (i + 1) * contextWidth]`, the node rows
/// `nodeOffsets[i] ..< nodeOffsets[i + 1]` and the candidate rows `candidateOffsets[i] ..< candidateOffsets[i + 1]`;
/// rows are stored one after the other (row-major). Appending costs amortised O(values appended), and a batch that is
/// emptied with `removeAll` keeps its memory.
public struct CandidateBatch: Sendable, Equatable, Codable {
    /// Features of a context row.
    public let contextWidth: Int
    /// Features of a node row.
    public let nodeWidth: Int
    /// Features of a candidate row.
    public let candidateWidth: Int
    /// Context rows, count × contextWidth.
    public private(set) var contexts: [Float] = []
    /// Node rows of all observations, nodeOffsets[count] × nodeWidth.
    public private(set) var nodeRows: [Float] = []
    /// First node row of each observation, and after the last their number; count + 1 values.
    public private(set) var nodeOffsets: [Int] = [0]
    /// Candidate rows of all observations, candidateOffsets[count] × candidateWidth.
    public private(set) var candidateRows: [Float] = []
    /// First candidate row of each observation, and after the last their number; count + 1 values.
    public private(set) var candidateOffsets: [Int] = [0]

    /// An empty batch of rows of the space's widths.
    public init(space: CandidateSpace) {
        contextWidth = space.contextWidth
        nodeWidth = space.nodeWidth
        candidateWidth = space.candidateWidth
    }

    /// A batch of the widths of `other` with rows that were taken from another such batch.
    /// - Parameters:
    ///   - nodeCounts, candidateCounts: rows of each observation.
    /// - Returns: `nil` when the counts differ in number, one is negative, or the rows are not as many as they say.
    public init?(
        like other: CandidateBatch, contexts: [Float], nodeRows: [Float], nodeCounts: [Int], candidateRows: [Float],
        candidateCounts: [Int]
    ) {
        (contextWidth, nodeWidth, candidateWidth) = (other.contextWidth, other.nodeWidth, other.candidateWidth)
        guard nodeCounts.count == candidateCounts.count, contexts.count == nodeCounts.count * contextWidth,
            let nodeOffsets = Self.offsets(nodeCounts, rows: nodeRows.count, width: nodeWidth),
            let candidateOffsets = Self.offsets(candidateCounts, rows: candidateRows.count, width: candidateWidth)
        else { return nil }
        (self.contexts, self.nodeRows, self.candidateRows) = (contexts, nodeRows, candidateRows)
        (self.nodeOffsets, self.candidateOffsets) = (nodeOffsets, candidateOffsets)
    }

    /// The running sum of `counts`, if it leads to `rows` values in rows of `width`.
    private static func offsets(_ counts: [Int], rows: Int, width: Int) -> [Int]? {
        var offsets = [0]
        offsets.reserveCapacity(counts.count + 1)
        var last = 0
        for count in counts {
            guard count >= 0, count <= rows else { return nil }
            last += count
            offsets.append(last)
        }
        return last * width == rows ? offsets : nil
    }

    /// Number of observations.
    @inlinable public var count: Int { nodeOffsets.count - 1 }

    /// Number of node rows of observation `index`.
    @inlinable public func nodeCount(_ index: Int) -> Int { nodeOffsets[index + 1] - nodeOffsets[index] }

    /// Number of candidates of observation `index`.
    @inlinable public func candidateCount(_ index: Int) -> Int {
        candidateOffsets[index + 1] - candidateOffsets[index]
    }

    /// Removes all observations and keeps the memory.
    public mutating func removeAll() {
        contexts.removeAll(keepingCapacity: true)
        nodeRows.removeAll(keepingCapacity: true)
        candidateRows.removeAll(keepingCapacity: true)
        nodeOffsets.removeSubrange(1...)
        candidateOffsets.removeSubrange(1...)
    }

    /// Removes the last observation.
    /// - Precondition: the batch is not empty.
    public mutating func removeLast() {
        let index = count - 1
        contexts.removeSubrange((index * contextWidth)...)
        nodeRows.removeSubrange((nodeOffsets[index] * nodeWidth)...)
        candidateRows.removeSubrange((candidateOffsets[index] * candidateWidth)...)
        nodeOffsets.removeLast()
        candidateOffsets.removeLast()
    }

    /// Appends one observation whose rows `write` fills in; they are zero before.
    /// - Parameter write: gets the context row, the node rows and the candidate rows.
    public mutating func append(
        nodeCount: Int, candidateCount: Int,
        write: (
            _ context: inout MutableSpan<Float>, _ nodes: inout MutableSpan<Float>,
            _ candidates: inout MutableSpan<Float>
        ) throws -> Void
    ) rethrows {
        let (context, node, candidate) = (contexts.count, nodeRows.count, candidateRows.count)
        contexts.append(contentsOf: repeatElement(0, count: contextWidth))
        nodeRows.append(contentsOf: repeatElement(0, count: nodeCount * nodeWidth))
        candidateRows.append(contentsOf: repeatElement(0, count: candidateCount * candidateWidth))
        nodeOffsets.append(nodeOffsets[nodeOffsets.count - 1] + nodeCount)
        candidateOffsets.append(candidateOffsets[candidateOffsets.count - 1] + candidateCount)
        try contexts.withUnsafeMutableBufferPointer { contexts in
            try nodeRows.withUnsafeMutableBufferPointer { nodes in
                try candidateRows.withUnsafeMutableBufferPointer { candidates in
                    var contextSpan = contexts.extracting(context...).mutableSpan
                    var nodeSpan = nodes.extracting(node...).mutableSpan
                    var candidateSpan = candidates.extracting(candidate...).mutableSpan
                    try write(&contextSpan, &nodeSpan, &candidateSpan)
                }
            }
        }
    }

    /// Appends observation `index` of another batch of the same widths.
    public mutating func append(_ index: Int, of other: CandidateBatch) {
        append(index..<(index + 1), of: other)
    }

    /// Appends the observations `range` of another batch of the same widths.
    public mutating func append(_ range: Range<Int>, of other: CandidateBatch) {
        precondition(
            contextWidth == other.contextWidth && nodeWidth == other.nodeWidth
                && candidateWidth == other.candidateWidth, "batches of different widths")
        contexts.append(
            contentsOf: other.contexts[range.lowerBound * contextWidth..<range.upperBound * contextWidth])
        let nodes = other.nodeOffsets[range.lowerBound]..<other.nodeOffsets[range.upperBound]
        nodeRows.append(contentsOf: other.nodeRows[nodes.lowerBound * nodeWidth..<nodes.upperBound * nodeWidth])
        let candidates = other.candidateOffsets[range.lowerBound]..<other.candidateOffsets[range.upperBound]
        candidateRows.append(
            contentsOf: other.candidateRows[
                candidates.lowerBound * candidateWidth..<candidates.upperBound * candidateWidth])
        let nodeBase = nodeOffsets[nodeOffsets.count - 1] - nodes.lowerBound
        let candidateBase = candidateOffsets[candidateOffsets.count - 1] - candidates.lowerBound
        for index in range {
            nodeOffsets.append(other.nodeOffsets[index + 1] + nodeBase)
            candidateOffsets.append(other.candidateOffsets[index + 1] + candidateBase)
        }
    }

    /// Applies `body` to the context rows, node rows and candidate rows in place: for normalisation.
    public mutating func withRows(
        _ body: (
            _ contexts: inout MutableSpan<Float>, _ nodes: inout MutableSpan<Float>,
            _ candidates: inout MutableSpan<Float>
        ) throws -> Void
    ) rethrows {
        try contexts.withUnsafeMutableBufferPointer { contexts in
            try nodeRows.withUnsafeMutableBufferPointer { nodes in
                try candidateRows.withUnsafeMutableBufferPointer { candidates in
                    var contextSpan = contexts.mutableSpan
                    var nodeSpan = nodes.mutableSpan
                    var candidateSpan = candidates.mutableSpan
                    try body(&contextSpan, &nodeSpan, &candidateSpan)
                }
            }
        }
    }
}
