/// What each feature of the training data was like: the counts of its values in bins.
///
/// Small (some hundred numbers a feature), to be stored beside a model. Coding keeps everything.
public struct DriftReference: Sendable, Equatable {
    /// The features' names, in the order of a row.
    public let names: [String]
    /// Rows of training data.
    public let rows: Int
    let features: [FeatureBins]

    /// Counts training data.
    /// - Parameters:
    ///   - rows: rows of one value for each name, one after the other; NaN for a missing value.
    ///   - names: the features' names, all different.
    ///   - bins: bins of about as many rows each, from 2 to 50; missing values have one more, and so do values that
    ///     are very frequent and what is below and above them.
    /// - Throws: `DriftError` for no names or one twice, fewer than 2 rows, values that are not whole rows, infinite values,
    ///   or a number of bins out of range.
    /// - Complexity: O(width × rows × log(rows)).
    public init(rows: Span<Float>, names: [String], bins: Int = 10) throws(DriftError) {
        guard (2...50).contains(bins) else { throw DriftError("bins must be from 2 to 50, found \(bins)") }
        try Self.check(names)
        let count = try Self.rowCount(rows, names: names)
        guard count >= 2 else {
            throw DriftError("a reference needs at least 2 rows of training data, found \(count)")
        }
        var features: [FeatureBins] = []
        for column in names.indices {
            var values: [Float] = []
            values.reserveCapacity(count)
            for row in 0..<count { values.append(rows[row * names.count + column]) }
            features.append(FeatureBins(values: values, bins: bins))
        }
        (self.names, self.rows, self.features) = (names, count, features)
    }

    /// Features of a row.
    public var width: Int { names.count }

    /// Share of the training rows, from 0 to 1, that lack the feature at this index.
    public func missingShare(of feature: Int) -> Double { Double(features[feature].counts.last ?? 0) / Double(rows) }

    /// Refuses rows that do not fill the width, and infinite values.
    static func rowCount(_ rows: Span<Float>, names: [String]) throws(DriftError) -> Int {
        guard rows.count % names.count == 0 else {
            throw DriftError(
                "\(rows.count) values are not whole rows of \(names.count) features: pass each row with all its features, "
                    + "NaN for a missing one")
        }
        for index in rows.indices where rows[index].isInfinite {
            throw DriftError(
                "row \(index / names.count), feature \(names[index % names.count]) is \(rows[index]): values must be "
                    + "finite, or NaN where missing")
        }
        return rows.count / names.count
    }

    private static func check(_ names: [String]) throws(DriftError) {
        guard !names.isEmpty else { throw DriftError("a reference needs at least one feature's name") }
        var seen: Set<String> = []
        for name in names where !seen.insert(name).inserted {
            throw DriftError("there are two features named \"\(name)\"")
        }
    }
}

extension DriftReference: Codable {
    private enum CodingKeys: String, CodingKey { case names, rows, features }

    /// Reads a stored reference.
    /// - Throws: `DecodingError` for parts that do not fit together.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let names = try container.decode([String].self, forKey: .names)
        let rows = try container.decode(Int.self, forKey: .rows)
        let features = try container.decode([FeatureBins].self, forKey: .features)
        func refuse(_ problem: String) -> DecodingError {
            DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a drift reference: \(problem)"))
        }
        do { try Self.check(names) } catch { throw refuse(error.description) }
        guard (2...1 << 52).contains(rows), features.count == names.count else {
            throw refuse("\(features.count) features of \(names.count) names, over \(rows) rows")
        }
        for (name, feature) in zip(names, features) where !feature.isValid(rows: rows) {
            throw refuse("the bins of \(name)")
        }
        (self.names, self.rows, self.features) = (names, rows, features)
    }
}
