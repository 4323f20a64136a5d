import Foundation

/// Predictors that a model of trees has to beat: ln p99 by ridge regression on standardised features, or its mean.
public struct LinearPredictor: Sendable {
    private var means: [Double]
    private var deviations: [Double]
    private var weights: [Double]
    private let offset: Double

    /// The geometric mean of the data set's p99, whatever the features.
    public static func mean(of dataset: PredictionDataset) -> LinearPredictor {
        LinearPredictor(dataset, uses: [])
    }

    /// Least squares with an L2 penalty of 1 on the standardised weights. A missing value counts as the feature's mean.
    public init(training dataset: PredictionDataset) {
        self.init(dataset, uses: Array(0..<dataset.width))
    }

    private init(_ dataset: PredictionDataset, uses features: [Int]) {
        let (rows, width) = (dataset.count, dataset.width)
        means = Array(repeating: 0, count: width)
        deviations = Array(repeating: 1, count: width)
        weights = Array(repeating: 0, count: width)
        let labels = dataset.rows.map { log($0.p99) }
        let mean = labels.reduce(0, +) / Double(max(1, rows))
        offset = mean
        guard !features.isEmpty else { return }
        for feature in features {
            let known = (0..<rows).map { Double(dataset.values[$0 * width + feature]) }.filter { !$0.isNaN }
            guard !known.isEmpty else { continue }
            let center = known.reduce(0, +) / Double(known.count)
            let variance = known.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(known.count)
            means[feature] = center
            deviations[feature] = variance > 1e-24 ? variance.squareRoot() : 1
        }
        var matrix = [Double](repeating: 0, count: width * width)
        var right = [Double](repeating: 0, count: width)
        for row in 0..<rows {
            let x = standardized(dataset.features(of: row))
            for i in 0..<width {
                right[i] += x[i] * (labels[row] - mean)
                for j in 0...i { matrix[i * width + j] += x[i] * x[j] }
            }
        }
        for i in 0..<width { matrix[i * width + i] += 1 }
        weights = Self.solve(&matrix, right, width)
    }

    private func standardized(_ row: ArraySlice<Float>) -> [Double] {
        zip(row, zip(means, deviations)).map { value, scale in
            value.isNaN ? 0 : (Double(value) - scale.0) / scale.1
        }
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
        (0..<dataset.count).map { row in
            let x = standardized(dataset.features(of: row))
            return exp(zip(x, weights).reduce(offset) { $0 + $1.0 * $1.1 })
        }
    }
}
