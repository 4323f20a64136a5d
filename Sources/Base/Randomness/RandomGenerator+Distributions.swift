import Foundation

extension RandomGenerator {
    /// Standard normal (Box and Muller, 1958; one of the pair is thrown away so that the state holds everything).
    @inlinable
    public mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * Double.pi * uniform())
    }

    /// Exponential with the given rate (mean 1 / rate).
    /// - Precondition: `rate` > 0.
    @inlinable
    public mutating func exponential(rate: Double) -> Double {
        precondition(rate > 0, "an exponential needs a positive rate")
        return -log(1 - uniform()) / rate
    }

    /// Log-normal with the given mean (not the mean of its logarithm) and squared coefficient of variation.
    /// - Precondition: `mean` > 0 and `squaredVariation` >= 0.
    @inlinable
    public mutating func logNormal(mean: Double, squaredVariation: Double) -> Double {
        precondition(mean > 0 && squaredVariation >= 0, "mean > 0 and variation >= 0")
        let variance = log(1 + squaredVariation)
        return mean * exp(variance.squareRoot() * normal() - variance / 2)
    }

    /// Poisson with the given mean: by multiplication up to 30, above it the rounded normal approximation, whose
    /// quantiles are off by under 2 % of the standard deviation there.
    /// - Precondition: `mean` is finite and >= 0.
    @inlinable
    public mutating func poisson(mean: Double) -> Int {
        precondition(mean >= 0 && mean.isFinite, "a Poisson needs a finite mean of 0 or more")
        if mean > 30 {
            return max(0, Int((mean + mean.squareRoot() * normal()).rounded()))
        }
        let limit = exp(-mean)
        var product = uniform()
        var count = 0
        while product > limit {
            product *= uniform()
            count += 1
        }
        return count
    }

    /// Reorders `elements` uniformly at random (Fisher and Yates).
    @inlinable
    public mutating func shuffle<Element>(_ elements: inout [Element]) {
        var remaining = elements.count
        while remaining > 1 {
            elements.swapAt(remaining - 1, index(below: remaining))
            remaining -= 1
        }
    }
}
