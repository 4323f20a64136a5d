import Randomness

extension PredictionDataset {
    /// Splits by episode: no episode, and no repetition of one, has rows on both sides.
    /// - Parameters:
    ///   - share: of the episodes that are held out, from 0 to 1, rounded; at least one.
    ///   - seed: decides which.
    /// - Throws: `PredictionError` where a side would be empty.
    public func splitByEpisode(
        heldOut share: Double, seed: UInt64
    ) throws -> (training: PredictionDataset, heldOut: PredictionDataset) {
        let groups = shuffledGroups(seed: seed)
        let count = max(1, Int((share * Double(groups.count)).rounded()))
        guard groups.count > count else {
            throw PredictionError(
                .tooFewEpisodes, "\(groups.count) episodes are too few to hold \(count) out: record more episodes")
        }
        return split(holdingOut: Set(groups.prefix(count)))
    }

    /// The rows of all other episodes, and those of the episodes with these seeds.
    func split(holdingOut seeds: Set<UInt64>) -> (training: PredictionDataset, heldOut: PredictionDataset) {
        (
            selecting(rows.indices.filter { !seeds.contains(rows[$0].seed) }),
            selecting(rows.indices.filter { seeds.contains(rows[$0].seed) })
        )
    }

    /// Folds for cross-validation: for each row the fold that holds it out. Rows of an episode, and of repetitions of
    /// it, share a fold.
    /// - Throws: `PredictionError` with fewer episodes than folds.
    func folds(_ count: Int, seed: UInt64) throws -> [Int] {
        let groups = shuffledGroups(seed: seed)
        guard groups.count >= count else {
            throw PredictionError(
                .tooFewEpisodes,
                "\(groups.count) different episodes are too few for \(count) folds: record more episodes, or set folds "
                    + "lower")
        }
        let fold = Dictionary(uniqueKeysWithValues: groups.enumerated().map { ($1, $0 % count) })
        return rows.map { fold[$0.seed] ?? 0 }
    }

    /// The episodes' seeds, each once, shuffled.
    private func shuffledGroups(seed: UInt64) -> [UInt64] {
        var groups = Set(rows.map(\.seed)).sorted()
        var generator = RandomGenerator(seed: seed, stream: 1)
        generator.shuffle(&groups)
        return groups
    }
}
