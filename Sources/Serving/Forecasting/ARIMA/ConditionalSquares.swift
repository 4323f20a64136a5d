import Foundation

/// The conditional sum of squares (Box and Jenkins 1970, section 7.1.2): innovations by the difference equation, with
/// zeros for everything before the first value. Fast, and close to the likelihood for long series.
struct ConditionalSquares {
    let series: DifferencedSeries
    let regressing: Bool
    /// Innovations that are left out at the beginning, where the zeros show.
    var skipped = 0

    /// Sums over the innovations; a missing value counts as what was expected. `nil` for a non-stationary process.
    func sums(_ coefficients: ARIMACoefficients) -> InnovationSums? {
        guard let process = ARMAProcess(coefficients, period: series.order.period) else { return nil }
        var (values, errors) = (series.differenced, series.differenced)
        var regressor = [Double](repeating: 1, count: regressing ? values.count : 0)
        var regressorErrors = regressor
        var sums = InnovationSums()
        for index in values.indices {
            var expected = 0.0
            var expectedRegressor = 0.0
            for term in process.phiTerms where term.lag <= index {
                expected += term.coefficient * values[index - term.lag]
                if regressing { expectedRegressor += term.coefficient * regressor[index - term.lag] }
            }
            for term in process.thetaTerms where term.lag <= index {
                expected += term.coefficient * errors[index - term.lag]
                if regressing { expectedRegressor += term.coefficient * regressorErrors[index - term.lag] }
            }
            let isMissing = values[index].isNaN
            if isMissing {
                values[index] = expected
                if regressing { regressor[index] = expectedRegressor }
            }
            errors[index] = values[index] - expected
            if regressing { regressorErrors[index] = regressor[index] - expectedRegressor }
            if !isMissing, index >= skipped {
                sums.count += 1
                sums.add(errors[index], regressing ? regressorErrors[index] : 0, over: 1)
            }
        }
        return sums
    }
}
