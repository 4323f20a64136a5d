/// What was asked: the same bits get the same answer.
struct CacheKey: Hashable, Sendable {
    /// What kind of answer.
    enum Kind: String, Sendable, Hashable, CaseIterable {
        /// p99, risk and score.
        case prediction
        /// The contributions, and last the bias.
        case contributions
    }

    let kind: Kind
    /// Bits of the features, and of the objective where the answer depends on it.
    let bits: [UInt32]

    init(_ kind: Kind, row: ArraySlice<Float>, objective: Double? = nil) {
        self.kind = kind
        var bits: [UInt32] = []
        bits.reserveCapacity(row.count + 2)
        for value in row { bits.append(value.bitPattern) }
        if let objective {
            bits.append(UInt32(truncatingIfNeeded: objective.bitPattern))
            bits.append(UInt32(truncatingIfNeeded: objective.bitPattern >> 32))
        }
        self.bits = bits
    }
}
