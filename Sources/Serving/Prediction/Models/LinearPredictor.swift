import Checkpoints
import Foundation

/// ln p99 by ridge regression on standardised features: what trees have to beat, and what they are blended with, for it goes
/// on where they end.
public struct LinearPredictor: Sendable {
    /// Of each feature over the training rows, after its transformation.
    private let means: [Double]
    /// Standard deviations; 1 for a feature that does not vary.
    private let deviations: [Double]
    /// Weights of the standardised features.
    private let weights: [Double]
    /// Mean of ln p99.
    private let offset: Double
    /// A tenth of the least and ten times the greatest p99 that was trained on, as logarithms: further it does not go.
    private let bounds: ClosedRange<Double>
    /// weights / deviations, for speed.
    private let scales: [Double]
    /// Indices of the features with a weight.
    private let used: [Int]
    /// Of each feature whether it enters by its logarithm.
    private let isLogarithmic: [Bool]

    /// The geometric mean of the data set's p99, whatever the features.
    public static func mean(of dataset: PredictionDataset) -> LinearPredictor {
        LinearPredictor(dataset, uses: [])
    }

    /// Least squares with an L2 penalty of 1 on the standardised weights. A missing value counts as the feature's mean;
    /// other latencies and their risks enter by their logarithms, as the p99 does.
    public init(training dataset: PredictionDataset) {
        self.init(dataset, uses: Array(0..<dataset.width))
    }

    private init(means: [Double], deviations: [Double], weights: [Double], offset: Double, bounds: ClosedRange<Double>)
    {
        (self.means, self.deviations, self.weights) = (means, deviations, weights)
        (self.offset, self.bounds) = (offset, bounds)
        scales = zip(weights, deviations).map { $0 / $1 }
        used = weights.indices.filter { weights[$0] != 0 }
        isLogarithmic = weights.indices.map { feature in
            PredictionFeature.allCases.indices.contains(feature)
                && [.p99Before, .p99Elsewhere, .neighbourRisk].contains(PredictionFeature.allCases[feature])
        }
    }

    private init(_ dataset: PredictionDataset, uses features: [Int]) {
        let (rows, width) = (dataset.count, dataset.width)
        var means = Array(repeating: 0.0, count: width)
        var deviations = Array(repeating: 1.0, count: width)
        let labels = dataset.rows.map { log($0.p99) }
        let mean = labels.reduce(0, +) / Double(max(1, rows))
        let bounds = ((labels.min() ?? 0) - log(10))...((labels.max() ?? 0) + log(10))
        var unfitted = LinearPredictor(
            means: means, deviations: deviations, weights: means, offset: mean, bounds: bounds)
        guard !features.isEmpty else {
            self = unfitted
            return
        }
        for feature in features {
            let known = (0..<rows).compactMap { unfitted.value(of: feature, in: dataset.values, at: $0 * width) }
            guard !known.isEmpty else { continue }
            let center = known.reduce(0, +) / Double(known.count)
            let variance = known.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(known.count)
            means[feature] = center
            deviations[feature] = variance > 1e-24 ? variance.squareRoot() : 1
        }
        unfitted = LinearPredictor(means: means, deviations: deviations, weights: means, offset: mean, bounds: bounds)
        var matrix = [Double](repeating: 0, count: width * width)
        var right = [Double](repeating: 0, count: width)
        for row in 0..<rows {
            let x = (0..<width).map { unfitted.standardized($0, in: dataset.values, at: row * width) }
            for i in 0..<width {
                right[i] += x[i] * (labels[row] - mean)
                for j in 0...i { matrix[i * width + j] += x[i] * x[j] }
            }
        }
        for i in 0..<width { matrix[i * width + i] += 1 }
        let weights = Self.solve(&matrix, right, width)
        self.init(means: means, deviations: deviations, weights: weights, offset: mean, bounds: bounds)
    }

    /// A feature of the row that begins at `start`, transformed; `nil` where it is missing.
    @inline(__always)
    private func value(of feature: Int, in values: [Float], at start: Int) -> Double? {
        let value = Double(values[start + feature])
        guard !value.isNaN else { return nil }
        return isLogarithmic[feature] ? log(max(value, 1e-6)) : value
    }

    private func standardized(_ feature: Int, in values: [Float], at start: Int) -> Double {
        value(of: feature, in: values, at: start).map { ($0 - means[feature]) / deviations[feature] } ?? 0
    }

    /// Solves a symmetric positive definite system, of which the lower half is given, by Cholesky's method.
    private static func solve(_ matrix: inout [Double], _ right: [Double], _ width: Int) -> [Double] {
        for i in 0..<width {
            for j in 0...i {
                var sum = matrix[i * width + j]
                for k in 0..<j { sum -= matrix[i * width + k] * matrix[j * width + k] }
                matrix[i * width + j] = i == j ? max(sum, 1e-12).squareRoot() : sum / matrix[j * width + j]
            }
        }
        var solution = right
        for i in 0..<width {
            for k in 0..<i { solution[i] -= matrix[i * width + k] * solution[k] }
            solution[i] /= matrix[i * width + i]
        }
        for i in (0..<width).reversed() {
            for k in (i + 1)..<width { solution[i] -= matrix[k * width + i] * solution[k] }
            solution[i] /= matrix[i * width + i]
        }
        return solution
    }

    /// The p99 of each row in seconds.
    public func predict(_ dataset: PredictionDataset) -> [Double] {
        (0..<dataset.count).map { exp(logarithm(dataset.values, at: $0 * dataset.width)) }
    }

    /// ln p99 of the row that begins at `start`.
    func logarithm(_ values: [Float], at start: Int) -> Double {
        min(bounds.upperBound, max(bounds.lowerBound, unbounded(values, at: start)))
    }

    private func unbounded(_ values: [Float], at start: Int) -> Double {
        var sum = offset
        for feature in used {
            if let value = value(of: feature, in: values, at: start) {
                sum += (value - means[feature]) * scales[feature]
            }
        }
        return sum
    }

    /// What each feature of the row that begins at `start` adds to ln p99: exact Shapley values, against a row of which
    /// nothing is known; what the bounds cut off is in the bias.
    func contributions(_ values: [Float], at start: Int) -> LatencyPredictor.Contributions {
        let features = weights.indices.map { weights[$0] * standardized($0, in: values, at: start) }
        return LatencyPredictor.Contributions(
            bias: offset + logarithm(values, at: start) - unbounded(values, at: start), features: features)
    }

    /// Share of each feature in the absolute standardised weights.
    var importance: [Double] {
        let sum = weights.reduce(0) { $0 + abs($1) }
        return weights.map { sum > 0 ? abs($0) / sum : 0 }
    }

    /// All its numbers.
    var numbers: [Double] { means + deviations + weights + [offset, bounds.lowerBound, bounds.upperBound] }

    /// Adds its numbers to a predictor's file.
    func store(in checkpoint: inout Checkpoint) {
        checkpoint["predictor/linear"] = .float64(numbers, shape: [numbers.count])
    }

    /// Reads the numbers back.
    /// - Throws: `CheckpointError` or `PredictionError` where they are no sound numbers of `width` features.
    init(_ checkpoint: Checkpoint, width: Int) throws {
        let numbers = try checkpoint.doubles("predictor/linear", shape: [3 * width + 3])
        let (lower, upper) = (numbers[3 * width + 1], numbers[3 * width + 2])
        guard numbers.allSatisfy(\.isFinite), numbers[width..<2 * width].allSatisfy({ $0 > 0 }), lower <= upper else {
            throw PredictionError(.unsound, "predictor/linear holds no sound numbers")
        }
        self.init(
            means: Array(numbers[..<width]), deviations: Array(numbers[width..<2 * width]),
            weights: Array(numbers[2 * width..<3 * width]), offset: numbers[3 * width], bounds: lower...upper)
    }
}
