import Foundation

/// Family of a service time's distribution.
public enum ServiceTimeFamily: String, Sendable, Codable, CaseIterable {
    /// Always the mean.
    case deterministic
    /// Exponential.
    case exponential
    /// Log-normal.
    case logNormal
}

/// Distribution of the time that a request takes when it is served, scaled to mean 1.
public struct ServiceTime: Sendable, Hashable, Codable {
    /// The family.
    public let family: ServiceTimeFamily
    /// E[S²] / E[S]².
    public let secondMoment: Double
    /// E[S³] / E[S]³.
    public let thirdMoment: Double
    /// For `logNormal`, the standard deviation of the logarithm.
    public let logDeviation: Double

    /// A distribution of mean 1.
    /// - Parameter squaredVariation: variance / mean², for `logNormal`; the other families have their own.
    public init(_ family: ServiceTimeFamily, squaredVariation: Double = 1) {
        self.family = family
        switch family {
        case .deterministic: (secondMoment, thirdMoment, logDeviation) = (1, 1, 0)
        case .exponential: (secondMoment, thirdMoment, logDeviation) = (2, 6, 0)
        case .logNormal:
            let ratio = 1 + max(1e-4, squaredVariation)
            (secondMoment, thirdMoment, logDeviation) = (ratio, ratio * ratio * ratio, log(ratio).squareRoot())
        }
    }

    /// Variance of the distribution of mean 1.
    @inlinable public var variance: Double { secondMoment - 1 }
    /// Third central moment of the distribution of mean 1.
    @inlinable public var thirdCentralMoment: Double { thirdMoment - 3 * secondMoment + 2 }
}
