/// What predictions are judged by.
public enum Statistics {
    /// The middle of the values, or the mean of the two in the middle.
    /// - Precondition: there are values.
    public static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// The quantile of sorted values by linear interpolation between the two nearest (Hyndman and Fan, "Sample quantiles in
    /// statistical packages", 1996, type 7: the default of R and NumPy).
    /// - Parameter probability: from 0 to 1.
    /// - Precondition: there are values.
    public static func quantile(_ probability: Double, of sorted: [Double]) -> Double {
        let position = probability * Double(sorted.count - 1)
        let below = Int(position)
        guard below + 1 < sorted.count else { return sorted[sorted.count - 1] }
        return sorted[below] + (position - Double(below)) * (sorted[below + 1] - sorted[below])
    }

    /// Spearman's rank correlation: Pearson's of the ranks, equals sharing the mean of theirs. NaN where one side does
    /// not vary.
    /// - Precondition: both have the same number of values.
    public static func rankCorrelation(_ left: [Double], _ right: [Double]) -> Double {
        precondition(left.count == right.count, "pairs")
        let (x, y) = (ranks(left), ranks(right))
        let mean = Double(left.count - 1) / 2
        var (xy, xx, yy) = (0.0, 0.0, 0.0)
        for index in x.indices {
            xy += (x[index] - mean) * (y[index] - mean)
            xx += (x[index] - mean) * (x[index] - mean)
            yy += (y[index] - mean) * (y[index] - mean)
        }
        return xy / (xx * yy).squareRoot()
    }

    /// Area under the ROC curve (Hanley and McNeil, "The meaning and use of the area under a receiver operating
    /// characteristic (ROC) curve", 1982): the probability that a case scores above a control, equals counting half.
    /// `nil` where all or none are cases, and for scores that are not numbers.
    /// - Precondition: both have the same number of values.
    public static func areaUnderCurve(_ scores: [Double], isCase: [Bool]) -> Double? {
        precondition(scores.count == isCase.count, "pairs")
        let cases = Double(isCase.count { $0 })
        guard cases > 0, cases < Double(isCase.count), !scores.contains(where: \.isNaN) else { return nil }
        let sum = zip(ranks(scores), isCase).reduce(0) { $0 + ($1.1 ? $1.0 + 1 : 0) }
        return (sum - cases * (cases + 1) / 2) / (cases * (Double(isCase.count) - cases))
    }

    private static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var first = 0
        while first < order.count {
            var last = first
            while last + 1 < order.count, values[order[last + 1]] == values[order[first]] { last += 1 }
            for place in first...last { ranks[order[place]] = Double(first + last) / 2 }
            first = last + 1
        }
        return ranks
    }
}
