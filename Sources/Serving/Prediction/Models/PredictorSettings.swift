public import Settings

/// Which trees a predictor is made of.
public enum PredictorKind: String, Sendable, Codable, CaseIterable {
    /// A random forest (Breiman, "Random forests", 2001): trees on different rows and features, averaged.
    case forest
    /// Gradient boosting (Friedman, "Greedy function approximation", 2001, as XGBoost does it: Chen and Guestrin,
    /// 2016): each tree corrects those before it.
    case boosting
}

/// How a predictor is trained.
public struct PredictorSettings: Configurable, Equatable {
    /// Which trees.
    public var kind = PredictorKind.boosting
    /// Number of trees.
    public var trees = 300
    /// Greatest depth of a tree.
    public var depth = 4
    /// Share of each tree's correction that counts. Boosting only.
    public var learningRate = 0.05
    /// Share of the rows that each tree sees.
    public var rowShare = 0.8
    /// Share of the features that each split chooses from.
    public var featureShare = 0.6
    /// Fewest rows of a leaf.
    public var leafRows = 3.0
    /// λ of the leaves' L2 regularisation. Boosting only.
    public var regularization = 1.0
    /// Share of a linear regression in the predicted ln p99, beside the trees. Absent: 0, 0.25, 0.5 or 0.75, whichever has the
    /// least error in cross-validation.
    public var linearShare: Double?
    /// Folds of the cross-validation, by episode.
    public var folds = 5
    /// Settings that are drawn at random and cross-validated, beside these; the best are used. 0: only these.
    public var trials = 0
    /// The objective in seconds that risk and score count against where a request names none, and that errors are judged
    /// by; 0: the median of the rows' own, and each row's own.
    public var objective = 0.0
    /// Features that the trees may not use, for where they are not known when it matters: the extender knows no rates.
    public var ignoredFeatures: [String] = []
    /// Decides folds, trials and what each tree sees.
    public var seed: UInt64 = 0
    /// Threads that trees are grown on. They do not change the result.
    public var threads = 1

    /// 300 boosted trees of depth 4.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("trees", trees, in: 1...100_000)
        try require("depth", depth, in: 1...30)
        try require("learningRate", learningRate, in: 1e-4...1)
        try require("rowShare", rowShare, in: 0.01...1)
        try require("featureShare", featureShare, in: 0.01...1)
        try require("leafRows", leafRows, in: 0...1e6)
        try require("regularization", regularization, in: 0...1e6)
        if let linearShare { try require("linearShare", linearShare, in: 0...1) }
        try require("folds", folds, in: 2...100)
        try require("trials", trials, in: 0...10_000)
        try require("objective", objective, in: 0...3600)
        for (index, name) in ignoredFeatures.enumerated() where !PredictionFeature.names.contains(name) {
            throw SettingsError(
                key: "ignoredFeatures[\(index)]", problem: "there is no feature \"\(name)\"",
                hint: NearestName.hint(for: name, among: PredictionFeature.names, what: "features"))
        }
        try require("seed", seed, in: 0...UInt64(Int32.max))
        try require("threads", threads, in: 1...1024)
    }
}
