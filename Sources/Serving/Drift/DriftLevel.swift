/// How far a feature has drifted.
public enum DriftLevel: Int, Sendable, Hashable, Codable, Comparable, CaseIterable {
    /// As in training, as far as the rows can tell.
    case none
    /// Worth a look.
    case moderate
    /// What was learned may not hold.
    case severe

    /// By severity.
    public static func < (left: DriftLevel, right: DriftLevel) -> Bool { left.rawValue < right.rawValue }
}

/// What is measured of a feature. The divergences are of the smoothed shares of window and reference.
public struct DriftFigures: Sendable, Hashable {
    /// The population stability index.
    public var populationStability: Double
    /// Kullback and Leibler's divergence of the window from the reference, in nats.
    public var kullbackLeibler: Double
    /// Jensen and Shannon's divergence, in nats, from 0 to ln 2.
    public var jensenShannon: Double
    /// The population stability index that is expected without any drift, for there are only so many rows; half of it is
    /// expected of `kullbackLeibler`. Levels go by what is above.
    public var expectedWithoutDrift: Double
    /// The share of the window's rows without the feature.
    public var missing: Double
    /// The share of the reference's rows without the feature.
    public var missingInReference: Double
}

/// A feature's drift.
public struct FeatureDrift: Sendable, Hashable {
    /// The feature's name in the reference.
    public var name: String
    /// What is measured.
    public var figures: DriftFigures
    /// The level, with hysteresis.
    public var level: DriftLevel
}

/// The drift of a window of rows.
public struct DriftReport: Sendable, Hashable {
    /// Rows in the window.
    public var rows: Int
    /// Each feature's drift, in the order of the reference.
    public var features: [FeatureDrift]
    /// The highest of the features' levels.
    public var level: DriftLevel
}

/// A level that has changed.
public struct DriftChange: Sendable, Hashable {
    /// The feature; `nil` for the level over all features.
    public var feature: String?
    /// The level until now.
    public var from: DriftLevel
    /// The level from now on.
    public var to: DriftLevel
}
