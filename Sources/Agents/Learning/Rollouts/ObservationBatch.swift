public import Gym
public import LinearAlgebra
public import NeuralNetworks
import Randomness

/// Observations one after the other, flat or ragged: what rollouts store and minibatches are gathered from.
public protocol ObservationBatch: Sendable, Codable {
    /// Number of observations.
    var count: Int { get }
    /// Width of each kind of row: one kind for flat observations; context, node and candidate rows for ragged ones; the
    /// features and the numbers of the legal actions for masked ones.
    var rowWidths: [Int] { get }

    /// A batch of the same widths without observations.
    func emptied() -> Self
    /// Removes all observations and keeps the memory.
    mutating func removeAll()
    /// Appends observation `index` of a batch of the same widths.
    mutating func append(_ index: Int, of other: Self)
    /// Appends the observations `indices`, in that order, of a batch of the same widths.
    mutating func append(_ indices: Span<Int>, of other: Self)
    /// Appends all observations of a batch of the same widths.
    mutating func append(allOf other: Self)
    /// Rows of every kind that observation `index` has: what a network's memory and time grow with.
    func rowCount(_ index: Int) -> Int
    /// The rows of one kind, one observation after the other, and how many each observation has.
    func rows(ofKind kind: Int) -> (values: [Float], counts: [Int])
    /// A batch of the same widths of what `rows(ofKind:)` gave for each kind; `nil` when that does not fit together.
    func filled(with kinds: [(values: [Float], counts: [Int])]) -> Self?
    /// Calls `body` with the number of each kind of row that holds features, in the order of `rowWidths`, and its rows.
    mutating func forEachRowKind(_ body: (_ kind: Int, _ rows: inout MutableSpan<Float>) -> Void)
}

extension Matrix: ObservationBatch {
    public var count: Int { rows }
    public var rowWidths: [Int] { [columns] }

    public func emptied() -> Matrix { Matrix(rows: 0, columns: columns) }
    public mutating func removeAll() { resize(rows: 0) }
    public func rowCount(_ index: Int) -> Int { 1 }

    public mutating func append(_ index: Int, of other: Matrix) {
        append(rows: index..<index + 1, of: other)
    }

    public mutating func append(_ indices: Span<Int>, of other: Matrix) {
        append(rows: indices, of: other)
    }

    public mutating func append(allOf other: Matrix) {
        append(rows: 0..<other.rows, of: other)
    }

    public func rows(ofKind kind: Int) -> (values: [Float], counts: [Int]) {
        (values, Array(repeating: 1, count: rows))
    }

    public func filled(with kinds: [(values: [Float], counts: [Int])]) -> Matrix? {
        guard kinds.count == 1, kinds[0].counts.allSatisfy({ $0 == 1 }),
            kinds[0].values.count == kinds[0].counts.count * columns
        else { return nil }
        return Matrix(rows: kinds[0].counts.count, columns: columns, values: kinds[0].values)
    }

    public mutating func forEachRowKind(_ body: (Int, inout MutableSpan<Float>) -> Void) {
        var rows = values.mutableSpan
        body(0, &rows)
    }
}

extension CandidateBatch: ObservationBatch {
    public var rowWidths: [Int] { [contextWidth, nodeWidth, candidateWidth] }

    public func emptied() -> CandidateBatch {
        CandidateBatch(
            space: CandidateSpace(
                contextWidth: contextWidth, nodeWidth: nodeWidth, candidateWidth: candidateWidth, bound: .infinity))
    }

    public mutating func append(_ indices: Span<Int>, of other: CandidateBatch) {
        for index in indices.indices { append(indices[index], of: other) }
    }

    public mutating func append(allOf other: CandidateBatch) {
        append(0..<other.count, of: other)
    }

    public func rowCount(_ index: Int) -> Int { 1 + nodeCount(index) + candidateCount(index) }

    public func rows(ofKind kind: Int) -> (values: [Float], counts: [Int]) {
        switch kind {
        case 0: (contexts, Array(repeating: 1, count: count))
        case 1: (nodeRows, (0..<count).map { nodeCount($0) })
        default: (candidateRows, (0..<count).map { candidateCount($0) })
        }
    }

    public func filled(with kinds: [(values: [Float], counts: [Int])]) -> CandidateBatch? {
        guard kinds.count == 3, kinds[0].counts.count == kinds[1].counts.count,
            kinds[0].counts.allSatisfy({ $0 == 1 })
        else { return nil }
        return CandidateBatch(
            like: self, contexts: kinds[0].values, nodeRows: kinds[1].values, nodeCounts: kinds[1].counts,
            candidateRows: kinds[2].values, candidateCounts: kinds[2].counts)
    }

    public mutating func forEachRowKind(_ body: (Int, inout MutableSpan<Float>) -> Void) {
        withRows { contexts, nodes, candidates in
            body(0, &contexts)
            body(1, &nodes)
            body(2, &candidates)
        }
    }
}

extension MaskedObservations: ObservationBatch {
    public var rowWidths: [Int] { [features.columns, 1] }

    public func emptied() -> MaskedObservations {
        MaskedObservations(width: features.columns, actionCount: actionCount)
    }

    public mutating func append(_ indices: Span<Int>, of other: MaskedObservations) {
        for index in indices.indices { append(indices[index], of: other) }
    }

    public mutating func append(allOf other: MaskedObservations) {
        for index in 0..<other.count { append(index, of: other) }
    }

    public func rowCount(_ index: Int) -> Int { 1 }

    public func rows(ofKind kind: Int) -> (values: [Float], counts: [Int]) {
        switch kind {
        case 0: (features.values, Array(repeating: 1, count: count))
        // A number below 2^24 is exact as a Float, and lists of actions are far shorter.
        default: (legalActions.map(Float.init), (0..<count).map { legalCount($0) })
        }
    }

    public func filled(with kinds: [(values: [Float], counts: [Int])]) -> MaskedObservations? {
        let actions = kinds.last?.values.compactMap { Int(exactly: $0) } ?? []
        guard kinds.count == 2, let rows = features.filled(with: [kinds[0]]), actions.count == kinds[1].values.count
        else { return nil }
        return MaskedObservations(
            features: rows, legalActions: actions, legalCounts: kinds[1].counts, actionCount: actionCount)
    }

    public mutating func forEachRowKind(_ body: (Int, inout MutableSpan<Float>) -> Void) {
        features.forEachRowKind(body)
    }
}

/// Normalises every kind of row of a batch that holds features, by running statistics of its own.
public struct BatchNormalizer: Sendable, Equatable, Codable {
    /// One normaliser for each kind of row.
    public internal(set) var kinds: [ObservationNormalizer]

    /// A normaliser that has seen no rows.
    /// - Parameters:
    ///   - widths: width of each kind of row.
    ///   - clip: normalised values are clipped to this absolute value.
    public init(widths: [Int], clip: Float = 10) {
        kinds = widths.map { ObservationNormalizer(width: $0, clip: clip) }
    }

    /// Normalises all rows of `batch` in place.
    public func normalize(_ batch: inout some ObservationBatch) {
        batch.forEachRowKind { kind, rows in kinds[kind].normalize(&rows) }
    }

    /// Takes all rows of `batch` into the statistics.
    public mutating func add(_ batch: inout some ObservationBatch) {
        batch.forEachRowKind { kind, rows in kinds[kind].statistics.add(rows: rows.span) }
    }
}
