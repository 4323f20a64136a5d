import ArgumentParser
import Forecasting
import Foundation

/// `berth forecast FILE`
struct ForecastCommand: ParsableCommand {
    /// Origins by which `--model auto` chooses.
    private static let trials = 5

    static let configuration = CommandConfiguration(
        commandName: "forecast", abstract: "Forecasts a series in a CSV file, with prediction intervals.",
        discussion: """
            Prints step, forecast, lower and upper bound as CSV. The file has a row for each point in time; an empty cell \
            or NA is a missing value. With --evaluate it prints how far forecasts from the last points of the series, \
            each a horizon after the one before, were from what came; models are fitted once, to what lies before all \
            of them. auto takes the method with the smallest error over the last five times the horizon; with \
            --evaluate it compares all of them.
            """)

    @Argument(help: ArgumentHelp("A CSV file; - for standard input.", valueName: "file"))
    var file: String

    @Option(help: ArgumentHelp("The column, in place of the last one.", valueName: "name"))
    var column: String?

    @Option(help: "Values in a season, as 24 for a day of hours; 1 for none.")
    var period = 1

    @Option(help: "Steps ahead; a season, or 10 without one, unless given.")
    var horizon: Int?

    @Option(help: "The probability with which an interval holds the value.")
    var level = 0.95

    @Option(help: "auto, arima, holt-winters or seasonal-naive.")
    var model = "auto"

    @Flag(help: "Forecast logarithms: errors grow with the rate, and no forecast is negative.")
    var log = false

    @Option(help: ArgumentHelp("Compare with what came after this many points.", valueName: "origins"))
    var evaluate: Int?

    @Option(help: "Seed of the intervals that are simulated.")
    var seed: UInt64 = 0

    mutating func run() throws {
        let names = ["auto"] + ForecastMethod.allCases.map(\.rawValue)
        let method = ForecastMethod(rawValue: model)
        guard method != nil || model == "auto" else {
            throw CommandFailure.unknown("model", model, among: names, plural: "models")
        }
        guard period >= 1 else { throw CommandFailure.usage("--period must be 1 or more, found \(period)") }
        let horizon = horizon ?? (period > 1 ? period : 10)
        guard horizon >= 1 else { throw CommandFailure.usage("--horizon must be 1 or more, found \(horizon)") }
        guard level > 0, level < 1 else {
            throw CommandFailure.usage("--level must lie between 0 and 1, found \(level)")
        }
        if let evaluate, evaluate < 1 {
            throw CommandFailure.usage("--evaluate must be 1 or more, found \(evaluate)")
        }
        let series = try SeriesFile(path: file, column: column).series
        let methods = method.map { [$0] } ?? ForecastMethod.allCases
        let evaluation = ForecastEvaluation(
            series: series,
            rolling: try RollingOrigin(origins: evaluate ?? Self.trials, horizon: horizon, period: period),
            transformation: log ? .logarithm : .none, level: level, seed: seed)
        if evaluate != nil {
            print(evaluation.table(try evaluation.rows(methods)), terminator: "")
        } else {
            try forecast(series, try method ?? best(evaluation), horizon, evaluation)
        }
    }

    /// The method with the smallest mean absolute error over a few origins.
    private func best(_ evaluation: ForecastEvaluation) throws -> ForecastMethod {
        var best: (method: ForecastMethod, error: Double)?
        for row in try evaluation.rows(ForecastMethod.allCases) {
            guard let error = row.result.mean(\.meanAbsoluteError), error < best?.error ?? .infinity else { continue }
            best = (row.method, error)
        }
        guard let best else {
            throw CommandFailure(
                message: "the end of the series has no values to compare the models by",
                hint: "choose one with --model")
        }
        return best.method
    }

    private func forecast(
        _ series: TimeSeries, _ method: ForecastMethod, _ horizon: Int, _ evaluation: ForecastEvaluation
    ) throws {
        let fitted = try method.fit(
            series, period: period, transformation: evaluation.transformation, seed: seed)
        let forecast = try fitted.forecast(series, horizon, level)
        Terminal.writeError("\(fitted.name)\n")
        var lines = ["step,forecast,lower,upper"]
        for step in forecast.points.indices {
            let figures = [forecast.points[step], forecast.lower[step], forecast.upper[step]]
            lines.append("\(step + 1)," + figures.map { String(format: "%.6g", $0) }.joined(separator: ","))
        }
        print(lines.joined(separator: "\n"))
    }
}
