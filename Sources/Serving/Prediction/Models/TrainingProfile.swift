public import Drift

/// What the rows were like that a predictor was trained on: what drift is measured against, and what tells rows that are
/// unlike all of them.
public struct TrainingProfile: Sendable, Equatable, Codable {
    /// Counts of each feature's values; those of features that trees may not use count as missing.
    public let reference: DriftReference
    /// Fingerprints of the episodes that were trained on, in ascending order: `PredictionDataset.episodeFingerprints`.
    public let episodes: [String]
    /// The range of each feature's values; `nil` where none was measured.
    private let lowest: [Float?]
    private let highest: [Float?]

    /// The profile of a data set.
    /// - Parameter usable: the same without the features that trees may not use.
    /// - Throws: `DriftError` for fewer than 2 rows.
    init(_ dataset: PredictionDataset, usable: PredictionDataset) throws {
        reference = try DriftReference(rows: usable.values.span, names: dataset.features)
        episodes = dataset.episodeFingerprints.values.sorted()
        var (lowest, highest) = ([Float?](), [Float?]())
        for feature in 0..<dataset.width {
            let measured = stride(from: feature, to: dataset.values.count, by: dataset.width)
                .map { dataset.values[$0] }.filter { !$0.isNaN }
            lowest.append(measured.min())
            highest.append(measured.max())
        }
        (self.lowest, self.highest) = (lowest, highest)
    }

    /// Indices of the features in which a row is unlike all that were trained on: a value out of their range, one that
    /// none of them has, or one that is missing though all of them have it. Trees know nothing of such rows, and answer
    /// as if the value were the nearest that they know, or as to the few rows that lack it.
    /// - Parameters:
    ///   - row: a row.
    ///   - seldomMissing: a feature that is missing in at most this share of the training rows counts as unfamiliar where
    ///     it is missing.
    /// - Precondition: a row of the profile's features.
    public func unfamiliar(_ row: ArraySlice<Float>, seldomMissing: Double = 0) -> [Int] {
        precondition(row.count == lowest.count, "a row of another width")
        var unfamiliar: [Int] = []
        for (feature, value) in row.enumerated() {
            let isFamiliar =
                if value.isNaN {
                    reference.missingShare(of: feature) > seldomMissing
                } else if let low = lowest[feature], let high = highest[feature] {
                    value >= low && value <= high
                } else {
                    false
                }
            if !isFamiliar { unfamiliar.append(feature) }
        }
        return unfamiliar
    }

    /// Whether the parts are of these features.
    func isOf(_ features: [String]) -> Bool {
        reference.names == features && lowest.count == features.count && highest.count == features.count
    }
}
