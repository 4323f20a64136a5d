/// Mean, variance and extremes of each column of a stream of rows, without keeping the rows.
///
/// Batches are merged by Chan, Golub and LeVeque's parallel formula ("Updating formulae and a pairwise algorithm for
/// computing sample variances", 1979), in double precision.
public struct RunningStatistics: Sendable, Equatable, Codable {
    /// Rows seen so far.
    public private(set) var count: Double
    /// Mean of each column; 0 before the first row.
    public private(set) var mean: [Double]
    /// Sum of squared deviations from the mean of each column.
    public private(set) var squaredDeviations: [Double]
    /// Least and greatest value of each column; `nil` where that is not known of all rows, as in statistics that were
    /// stored without them.
    public private(set) var extremes: Extremes?

    /// Least and greatest value of each column.
    public struct Extremes: Sendable, Equatable, Codable {
        /// Least value of each column; 0 before the first row.
        public fileprivate(set) var minimum: [Double]
        /// Greatest value of each column; 0 before the first row.
        public fileprivate(set) var maximum: [Double]

        /// Extremes read back from storage; `nil` when the widths differ, a value is not finite, or a minimum is above
        /// its maximum.
        public init?(minimum: [Double], maximum: [Double]) {
            guard minimum.count == maximum.count, (minimum + maximum).allSatisfy(\.isFinite),
                zip(minimum, maximum).allSatisfy({ $0 <= $1 })
            else { return nil }
            (self.minimum, self.maximum) = (minimum, maximum)
        }

        fileprivate init(width: Int) {
            minimum = Array(repeating: 0, count: width)
            maximum = minimum
        }

        fileprivate mutating func include(_ least: Double, _ greatest: Double, column: Int, isFirst: Bool) {
            minimum[column] = isFirst ? least : min(minimum[column], least)
            maximum[column] = isFirst ? greatest : max(maximum[column], greatest)
        }
    }

    /// Statistics of no rows.
    /// - Parameter width: number of columns.
    public init(width: Int) {
        count = 0
        mean = Array(repeating: 0, count: width)
        squaredDeviations = Array(repeating: 0, count: width)
        extremes = Extremes(width: width)
    }

    /// Statistics read back from storage; `nil` when the widths differ or a value is negative or not finite.
    /// - Parameter extremes: `nil` where they were not stored; they stay unknown then, whatever is added.
    public init?(count: Double, mean: [Double], squaredDeviations: [Double], extremes: Extremes? = nil) {
        guard mean.count == squaredDeviations.count, count >= 0, count.isFinite,
            mean.allSatisfy(\.isFinite), squaredDeviations.allSatisfy({ $0 >= 0 && $0.isFinite }),
            extremes.map({ $0.minimum.count == mean.count }) ?? true
        else { return nil }
        (self.count, self.mean, self.squaredDeviations) = (count, mean, squaredDeviations)
        self.extremes = extremes
    }

    /// Number of columns.
    public var width: Int { mean.count }

    /// Population variance of a column; 0 before the first row.
    public func variance(_ column: Int) -> Double {
        count > 0 ? squaredDeviations[column] / count : 0
    }

    /// Adds rows stored one after the other.
    /// - Precondition: `rows.count` is a multiple of `width`.
    public mutating func add(rows: Span<Float>) {
        guard width > 0, !rows.isEmpty else { return }
        precondition(rows.count % width == 0, "rows of another width")
        let rowCount = rows.count / width
        let added = Double(rowCount)
        let total = count + added
        for column in 0..<width {
            var sum = 0.0
            var (least, greatest) = (Double.infinity, -Double.infinity)
            for row in 0..<rowCount {
                let value = Double(rows[row * width + column])
                sum += value
                least = min(least, value)
                greatest = max(greatest, value)
            }
            extremes?.include(least, greatest, column: column, isFirst: count == 0)
            let batchMean = sum / added
            var squares = 0.0
            for row in 0..<rowCount {
                let deviation = Double(rows[row * width + column]) - batchMean
                squares += deviation * deviation
            }
            let difference = batchMean - mean[column]
            mean[column] += difference * added / total
            squaredDeviations[column] += squares + difference * difference * count * added / total
        }
        count = total
    }

    /// Adds one value to statistics of width 1.
    public mutating func add(_ value: Double) {
        precondition(width == 1, "a single value needs statistics of width 1")
        extremes?.include(value, value, column: 0, isFirst: count == 0)
        count += 1
        let difference = value - mean[0]
        mean[0] += difference / count
        squaredDeviations[0] += difference * (value - mean[0])
    }
}
