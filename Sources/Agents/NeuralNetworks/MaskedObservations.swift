public import LinearAlgebra

/// Rows of features, each with the list of the actions that are legal there, out of a fixed number of actions.
public struct MaskedObservations: Sendable, Equatable {
    /// Number of actions, legal or not.
    public let actionCount: Int
    /// The feature rows. Their elements may change, never their number.
    public var features: Matrix
    /// The legal actions of all observations, one list after the other.
    public private(set) var legalActions: [Int] = []
    /// Where each observation's list begins, and after the last their number; count + 1 values.
    public private(set) var offsets: [Int] = [0]

    /// No observations, of rows of `width` features and lists out of `actionCount` actions.
    public init(width: Int, actionCount: Int) {
        features = Matrix(rows: 0, columns: width)
        self.actionCount = actionCount
    }

    /// Observations of these rows and lists.
    /// - Parameter legalCounts: legal actions of each row.
    /// - Returns: `nil` when they do not fit together, or an action is not below `actionCount`.
    public init?(features: Matrix, legalActions: [Int], legalCounts: [Int], actionCount: Int) {
        guard legalCounts.count == features.rows, legalCounts.allSatisfy({ (0...legalActions.count).contains($0) }),
            legalCounts.reduce(0, +) == legalActions.count,
            legalActions.allSatisfy({ $0 >= 0 && $0 < actionCount })
        else { return nil }
        (self.features, self.legalActions, self.actionCount) = (features, legalActions, actionCount)
        for count in legalCounts { offsets.append(offsets[offsets.count - 1] + count) }
    }

    /// Number of observations.
    public var count: Int { features.rows }

    /// Number of legal actions of observation `index`.
    public func legalCount(_ index: Int) -> Int { offsets[index + 1] - offsets[index] }

    /// Removes all observations and keeps the memory.
    public mutating func removeAll() {
        features.resize(rows: 0)
        legalActions.removeAll(keepingCapacity: true)
        offsets.removeSubrange(1...)
    }

    /// Appends an observation.
    /// - Precondition: as many features as the others have, and actions below `actionCount`.
    public mutating func append(row: Span<Float>, legalActions list: some Sequence<Int>) {
        features.append(row: row)
        for action in list {
            precondition(action >= 0 && action < actionCount, "there is no action \(action)")
            legalActions.append(action)
        }
        offsets.append(legalActions.count)
    }

    /// Appends observation `index` of a batch of the same widths.
    public mutating func append(_ index: Int, of other: MaskedObservations) {
        features.append(rows: index..<index + 1, of: other.features)
        legalActions.append(contentsOf: other.legalActions[other.offsets[index]..<other.offsets[index + 1]])
        offsets.append(legalActions.count)
    }
}

extension MaskedObservations: Codable {
    private enum CodingKeys: String, CodingKey {
        case features, legalActions, legalCounts, actionCount
    }

    /// Reads rows and lists.
    /// - Throws: `DecodingError` when they do not fit together.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let observations = MaskedObservations(
            features: try container.decode(Matrix.self, forKey: .features),
            legalActions: try container.decode([Int].self, forKey: .legalActions),
            legalCounts: try container.decode([Int].self, forKey: .legalCounts),
            actionCount: try container.decode(Int.self, forKey: .actionCount))
        guard let observations else {
            throw DecodingError.dataCorruptedError(
                forKey: .legalActions, in: container,
                debugDescription: "lists of legal actions that do not fit the rows")
        }
        self = observations
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(features, forKey: .features)
        try container.encode(legalActions, forKey: .legalActions)
        try container.encode((0..<count).map { legalCount($0) }, forKey: .legalCounts)
        try container.encode(actionCount, forKey: .actionCount)
    }
}
