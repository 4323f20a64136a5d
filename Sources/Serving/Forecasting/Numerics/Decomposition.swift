/// Moving averages, as classical decomposition takes them (Hyndman and Athanasopoulos, "Forecasting: Principles and
/// Practice", 3rd edition, 2021, section 3.4).
enum MovingAverage {
    /// The mean over a period around each value, for an even period the mean of the two that are off by half a value.
    /// Missing values are NaN and left out; NaN too where less than half of the window is there or it reaches over
    /// an end.
    static func centred(_ values: [Double], period: Int) -> [Double] {
        let half = period / 2
        var result = [Double](repeating: .nan, count: values.count)
        guard values.count > 2 * half else { return result }
        // Sums over windows of the period, and how many values are in each.
        var (sums, counts) = ([0.0], [0])
        for value in values {
            sums.append(sums[sums.count - 1] + (value.isNaN ? 0 : value))
            counts.append(counts[counts.count - 1] + (value.isNaN ? 0 : 1))
        }
        func mean(_ start: Int) -> Double {
            let count = counts[start + period] - counts[start]
            return 2 * count < period || count == 0
                ? .nan : (sums[start + period] - sums[start]) / Double(count)
        }
        for index in half..<values.count - half {
            let start = index - half
            result[index] = period.isMultiple(of: 2) ? (mean(start) + mean(start + 1)) / 2 : mean(start)
        }
        return result
    }
}

/// Means of each place in the season.
enum SeasonalMeans {
    /// - Throws: `ForecastingError` for a place without a value.
    static func of(_ values: [Double], period: Int) throws -> [Double] {
        var (sums, counts) = ([Double](repeating: 0, count: period), [Double](repeating: 0, count: period))
        for (index, value) in values.enumerated() where value.isFinite {
            sums[index % period] += value
            counts[index % period] += 1
        }
        if let place = counts.firstIndex(of: 0) {
            throw ForecastingError(
                "value \(place + 1) of the season of \(period) was observed nowhere in the seasons that the initial "
                    + "state is taken from; fill the gap or start the series later")
        }
        return zip(sums, counts).map { $0 / $1 }
    }
}
