public import Settings

/// How an isolation forest is grown.
public struct IsolationForestSettings: Configurable, Equatable {
    /// Number of trees. The scores' mean settles well before 100.
    public var trees = 100
    /// Rows that each tree is grown from, drawn without replacement. All rows where there are fewer.
    public var sampleSize = 256
    /// The share of rows, from 0 to below 0.5, that may count as anomalous. Without it a row counts as anomalous when its
    /// score is above 0.5, the score of a row whose paths are of mean length.
    public var contamination: Double?

    /// The paper's 100 trees of 256 rows, without contamination.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("trees", trees, in: 1...1_000)
        try require("sampleSize", sampleSize, in: 2...4_096)
        try require("contamination", contamination, in: 0..<0.5)
    }
}
