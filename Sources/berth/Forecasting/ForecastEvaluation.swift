import Forecasting
import Foundation

/// Methods compared by rolling origin.
struct ForecastEvaluation {
    let series: TimeSeries
    let rolling: RollingOrigin
    let transformation: Transformation
    let level: Double
    let seed: UInt64

    /// A method and what its forecasts came to.
    struct Row {
        var method: ForecastMethod
        var name: String
        var result: RollingOrigin.Result
    }

    /// Each method is fitted to what lies before the first origin; later forecasts go on from all values before theirs,
    /// with the numbers of that fit but the errors' variance.
    func rows(_ methods: [ForecastMethod]) throws -> [Row] {
        let training = try series.prefix(rolling.firstTraining(series))
        return try methods.map { method in
            let fitted = try method.fit(
                training, period: rolling.period, transformation: transformation, seed: seed)
            let result = try rolling.evaluate(series) { try fitted.forecast($0, rolling.horizon, level) }
            return Row(method: method, name: fitted.name, result: result)
        }
    }

    /// The rows as text.
    func table(_ rows: [Row]) -> String {
        func cell(_ value: Double?, _ format: String) -> String { value.map { String(format: format, $0) } ?? "-" }
        var cells = [["", "MASE", "MAE", "RMSE", "sMAPE %", "MAPE %", "coverage %"]]
        for row in rows {
            let result = row.result
            cells.append([
                row.name, cell(result.mean(\.meanAbsoluteScaledError), "%.3f"),
                cell(result.mean(\.meanAbsoluteError), "%.4g"), cell(result.rootMeanSquaredError, "%.4g"),
                cell(result.mean(\.symmetricPercentageError), "%.1f"),
                cell(result.mean(\.meanAbsolutePercentageError), "%.1f"),
                cell(result.coverage.map { 100 * $0 }, "%.1f"),
            ])
        }
        let percent = String(format: "%g", 100 * level)
        return "\(rolling.origins) origins, \(rolling.horizon) steps ahead, season \(rolling.period), "
            + "\(percent) % intervals\n" + ComparisonTable.align(cells)
    }
}
