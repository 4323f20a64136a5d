public import Cluster
public import Gym
public import Settings

/// How a table of action values is learned.
public enum TabularAlgorithm: String, Codable, Sendable, CaseIterable {
    /// Towards the best action that is legal next, whatever is taken (Watkins, 1989).
    case qLearning
    /// Towards the action that is really taken next (Rummery and Niranjan, 1994).
    case sarsa
}

/// Hyperparameters of tabular learning.
public struct TabularSettings: Configurable, Equatable {
    /// Most entries of a table: 400 MB.
    public static let largestTable = 50_000_000

    /// Q-learning or SARSA.
    public var algorithm = TabularAlgorithm.qLearning
    /// Steps of the whole run; it ends with the iteration that reaches them.
    public var totalSteps = 500_000
    /// Steps between two reports.
    public var stepsPerIteration = 1000
    /// α: share of the way to its target that a value moves in an update, at the start; above 0 and at most 1.
    public var learningRate = 0.1
    /// How the learning rate changes. Where outcomes are random, values settle only if it falls.
    public var learningRateSchedule = Schedule.constant
    /// γ: discount of one control interval.
    public var discount = 0.99
    /// Every value before the first update. Above what can be reached it makes the learner try everything once.
    public var initialValue = 0.0
    /// How often a random legal action is taken.
    public var exploration = ExplorationSchedule()
    /// What the table tells apart, where states are not numbered: the table has an entry for each combination of bins.
    /// Empty: ten bins for each component of a box, and `clusterBins` for a cluster.
    public var bins: [BinSettings] = []

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("totalSteps", totalSteps, in: 1...)
        try require("stepsPerIteration", stepsPerIteration, in: 1...)
        try require("learningRate", learningRate, above: 0)
        try require("learningRate", learningRate, in: ...1)
        try require("discount", discount, in: 0...1)
        try require("initialValue", initialValue.isFinite, must: "be a finite number")
    }
}

/// Bins of one feature: intervals of equal width between two bounds, values outside in the first and the last.
public struct BinSettings: Configurable, Equatable {
    /// A row of an observation of candidates.
    public enum Row: String, Codable, Sendable, CaseIterable {
        /// What all candidates share.
        case context
        /// What a candidate has of its own.
        case candidate
    }

    /// Name of the feature: as in docs/observations.md for a cluster, its number from "0" for a box.
    public var feature = ""
    /// The row that the feature is in; a box has only one, and this says nothing there.
    public var row = Row.candidate
    /// Lower bound of the first bin, in the feature's unit.
    public var low = 0.0
    /// Upper bound of the last bin, in the feature's unit; above `low`.
    public var high = 1.0
    /// Number of bins, 1 to 10,000.
    public var bins = 10

    /// Ten bins from 0 to 1 of a candidate's feature that is still to be named.
    public init() {}

    /// Bins of the feature `feature`.
    public init(_ feature: String, row: Row = .candidate, low: Double, high: Double, bins: Int) {
        (self.feature, self.row) = (feature, row)
        (self.low, self.high, self.bins) = (low, high, bins)
    }

    public func validate() throws(SettingsError) {
        try require("feature", notEmpty: feature)
        try require("low", low.isFinite, must: "be a finite number")
        try require("high", high.isFinite, must: "be a finite number")
        try require("high", high, above: low)
        try require("bins", bins, in: 1...10_000)
    }
}

// MARK: - Discretisers

extension TabularSettings {
    /// What the table distinguishes in a cluster unless `bins` says otherwise: 9 features, 34,560 entries.
    ///
    /// An action is known by its kind, the change of replicas and the factor of a resize; a placement or an eviction
    /// also by how full it leaves the node; what it changes by how late the service is, `advance` by how late the
    /// latest is. All but p99 comes from the specification and is always there; p99 has its masks, so that what is
    /// missing is not taken for a latency at its objective.
    public static let clusterBins: [BinSettings] = [
        BinSettings("max over services: log2(p99 / objective)", row: .context, low: -3, high: 1, bins: 4),
        BinSettings("max over services: p99 is measured", row: .context, low: 0, high: 1, bins: 2),
        BinSettings("is place", low: 0, high: 1, bins: 2),
        BinSettings("is evict", low: 0, high: 1, bins: 2),
        // The bounds put each change from -4 to 4 in the middle of a bin of its own.
        BinSettings("replica change / 4", low: -1.125, high: 1.125, bins: 9),
        BinSettings("log2(resize factor)", low: -0.5, high: 0.5, bins: 3),
        BinSettings("cpu requested after / allocatable", low: 0, high: 1, bins: 5),
        BinSettings("service: log2(p99 / objective)", low: -3, high: 1, bins: 4),
        BinSettings("service: p99 is measured", low: 0, high: 1, bins: 2),
    ]

    /// The numbering of an environment whose states are numbered already.
    /// - Throws: `SettingsError` when `bins` is not empty: there is nothing to divide.
    public func states(_ states: Discrete, actions: Discrete) throws(SettingsError) -> StateDiscretizer {
        try require("bins", bins.isEmpty, must: "be empty: the states of this environment are numbered already")
        return StateDiscretizer(states: states.count, actions: actions.count)
    }

    /// The numbering of an environment whose observations lie in a box.
    /// - Throws: `SettingsError` naming the key, relative to these settings, when a bin names no component, or when
    ///   `bins` is empty and a component has no bounds.
    public func box(_ space: Box, actions: Discrete) throws(SettingsError) -> BoxDiscretizer {
        let bins = try bins.isEmpty ? Self.boxBins(space) : bins
        return try BoxDiscretizer(bins: bins, width: space.width, actions: actions.count)
    }

    /// The numbering of the decisions of a cluster.
    /// - Parameter schema: the names of the features.
    /// - Throws: `SettingsError` naming the key, relative to these settings, when a bin names no feature.
    public func candidates(
        _ schema: FeatureSchema = ObservationEncoder.schema
    ) throws(SettingsError) -> CandidateDiscretizer {
        try CandidateDiscretizer(bins: bins.isEmpty ? Self.clusterBins : bins, schema: schema)
    }

    /// Ten bins between the bounds of each component that can vary.
    private static func boxBins(_ space: Box) throws(SettingsError) -> [BinSettings] {
        var bins: [BinSettings] = []
        for component in 0..<space.width where space.low[component] < space.high[component] {
            let (low, high) = (Double(space.low[component]), Double(space.high[component]))
            guard low.isFinite, high.isFinite else {
                throw SettingsError(
                    key: "bins", problem: "must not be empty: component \(component) of the observations has no bounds",
                    hint: "name those to tell apart, as in bins: [{feature: \"\(component)\", low: -1, high: 1}]")
            }
            bins.append(BinSettings("\(component)", low: low, high: high, bins: 10))
        }
        return bins
    }
}
