public import Settings

/// How a forest follows a stream of rows.
public struct SlidingForestSettings: Configurable, Equatable {
    /// Number of trees.
    public var trees = 100
    /// Rows that each tree is grown from; also the rows that must be seen before there is a score.
    public var sampleSize = 256
    /// Rows that are kept; trees are grown from samples of them.
    public var window = 2_048
    /// Rows after which the oldest tree is replaced. `window / trees` or less renews the forest once in a window.
    public var renewalInterval = 10
    /// The share of scores, from 0 to below 0.5, that may count as anomalous: a row does when its score is above those of
    /// all but this share of the rows in the window. Without it, when its score is above 0.5.
    public var contamination: Double?

    /// 100 trees of 256 among the last 2,048 rows, one replaced every 10 rows; no contamination.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("trees", trees, in: 1...1_000)
        try require("sampleSize", sampleSize, in: 2...4_096)
        try require("window", window, in: sampleSize...1_000_000)
        try require("renewalInterval", renewalInterval, in: 1...1_000_000)
        try require("contamination", contamination, in: 0..<0.5)
    }
}
