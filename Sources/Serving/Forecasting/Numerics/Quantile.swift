/// Quantiles of samples.
enum Quantile {
    /// The quantile of sorted values with linear interpolation (Hyndman and Fan, "Sample quantiles in statistical
    /// packages", The American Statistician 50, 1996, type 7: the default of R and NumPy).
    static func of(_ sorted: [Double], _ probability: Double) -> Double {
        let position = probability * Double(sorted.count - 1)
        let index = min(Int(position), sorted.count - 1)
        guard index + 1 < sorted.count else { return sorted[index] }
        return sorted[index] + (position - Double(index)) * (sorted[index + 1] - sorted[index])
    }
}
