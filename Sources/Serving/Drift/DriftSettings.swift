public import Settings

/// When a window counts as drifted.
public struct DriftSettings: Configurable, Equatable {
    /// Rows that are compared with the reference: the last so many.
    public var window = 1_000
    /// Rows before the first report; more where the noise of so few would reach a threshold, see `DriftMonitor`.
    public var minimumRows = 500
    /// Rows from one comparison to the next.
    public var interval = 50
    /// For the population stability index, the customary 0.1 and 0.25.
    public var populationStability = DriftThresholds(moderate: 0.1, severe: 0.25)
    /// For Kullback and Leibler's divergence of the window from the reference.
    public var kullbackLeibler = DriftThresholds(moderate: 0.05, severe: 0.15)
    /// A level ends when the figure is below (1 - hysteresis) × its threshold, from 0 to below 1.
    public var hysteresis = 0.2

    /// Windows of 1,000 rows.
    public init() {}

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("window", window, in: 2...1_000_000)
        try require("minimumRows", minimumRows, in: 2...1_000_000)
        try require("minimumRows", minimumRows <= window, must: "be at most window, \(window)")
        try require("interval", interval, in: 1...1_000_000)
        try require("hysteresis", hysteresis, in: 0..<1)
    }
}

/// Where levels begin.
public struct DriftThresholds: Configurable, Equatable {
    /// The figure from which drift is moderate.
    public var moderate = 0.1
    /// The figure from which drift is severe.
    public var severe = 0.25

    /// The customary thresholds of the population stability index.
    public init() {}

    /// Thresholds.
    public init(moderate: Double, severe: Double) {
        (self.moderate, self.severe) = (moderate, severe)
    }

    /// Refuses values out of range.
    public func validate() throws(SettingsError) {
        try require("moderate", moderate, above: 0)
        try require("severe", severe, above: moderate)
    }

    func level(_ figure: Double, scale: Double = 1) -> DriftLevel {
        if figure >= severe * scale { return .severe }
        return figure >= moderate * scale ? .moderate : .none
    }
}
