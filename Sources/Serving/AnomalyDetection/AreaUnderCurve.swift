/// The area under the curve of true over false positives.
public enum AreaUnderCurve {
    /// The probability that an anomalous row's score is above a normal row's, ties counting half (Hanley and McNeil, "The
    /// meaning and use of the area under a receiver operating characteristic (ROC) curve", Radiology 143, 1982).
    ///
    /// `nil` where there is no such pair, or a score is NaN: a row without a score is to be left out by the caller, who
    /// then says so.
    /// - Parameters:
    ///   - scores: higher for what is more unusual.
    ///   - isAnomalous: the truth, one for each score.
    /// - Complexity: O(n log n).
    public static func of(scores: [Double], isAnomalous: [Bool]) -> Double? {
        guard scores.count == isAnomalous.count, !scores.contains(where: \.isNaN) else { return nil }
        let order = scores.indices.sorted { scores[$0] < scores[$1] }
        let positives = isAnomalous.count { $0 }
        let negatives = scores.count - positives
        guard positives > 0, negatives > 0 else { return nil }
        // Mann and Whitney's U from the mean ranks.
        var rankSum = 0.0
        var first = 0
        while first < order.count {
            var end = first + 1
            while end < order.count, scores[order[end]] == scores[order[first]] { end += 1 }
            let rank = Double(first + 1 + end) / 2
            rankSum += rank * Double(order[first..<end].count { isAnomalous[$0] })
            first = end
        }
        let (m, n) = (Double(positives), Double(negatives))
        return (rankSum - m * (m + 1) / 2) / (m * n)
    }
}
