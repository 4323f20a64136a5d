import Forecasting
import Foundation
import Randomness
import TestServers

/// Public series.
enum Samples {
    static let airPassengersFile = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Fixtures/air-passengers.csv").path

    /// Box and Jenkins's series G: 144 months.
    static func airPassengers() throws -> TimeSeries { try SeriesFile(path: airPassengersFile).series }

    static func logAirPassengers() throws -> TimeSeries { try Transformation.logarithm.applied(to: airPassengers()) }

    /// The series without the values at these indices.
    static func without(_ indices: [Int], _ series: TimeSeries) throws -> TimeSeries {
        var observations = series.observations
        for index in indices { observations[index] = nil }
        return try TimeSeries(observations: observations)
    }

    /// The oil and the air series of Hyndman and Athanasopoulos, as in the tests of statsmodels.
    static let oil = [
        446.6565229, 454.4733065, 455.662974, 423.6322388, 456.2713279, 440.5880501, 425.3325201, 485.1494479,
        506.0481621, 526.7919833, 514.268889, 494.2110193,
    ]
    static let air = [
        17.5534, 21.8601, 23.8866, 26.9293, 26.8885, 28.8314, 30.0751, 30.9535, 30.1857, 31.5797, 32.577569, 33.477398,
        39.021581, 41.386432, 41.596552,
    ]

    /// Draws of (1 − 0.7B)(1 − B^s) y = (1 − 0.4B)(1 − 0.6B^s) ε, around 100.
    static func seasonal(_ count: Int, period: Int, generator: inout RandomGenerator) throws -> TimeSeries {
        let errors = (0..<count).map { _ in generator.normal() }
        var differences: [Double] = []
        var values: [Double] = []
        for index in 0..<count {
            func error(_ lag: Int) -> Double { index >= lag ? errors[index - lag] : 0 }
            let previous = index > 0 ? differences[index - 1] : 0
            differences.append(
                errors[index] + 0.7 * previous - 0.4 * error(1) - 0.6 * error(period) + 0.24 * error(period + 1))
            values.append(differences[index] + (index >= period ? values[index - period] : 100))
        }
        return try TimeSeries(values)
    }
}

/// What Python finds.
enum Reference {
    /// Runs a program that prints a JSON object of lists of numbers.
    static func values(_ program: String, _ arguments: [String] = []) throws -> [String: [Double]] {
        // statsmodels turns filters for its own warnings on again; what it would say is not what is tested.
        let head = "import json, sys, warnings\nimport numpy as np\nwarnings.showwarning = lambda *a, **k: None\n"
        let data = try PythonProgram(head + program).run(arguments)
        return try JSONDecoder().decode([String: [Double]].self, from: data)
    }

    /// The largest difference, relative to the larger of the reference and `floor`; infinite for another count.
    static func distance(_ found: [Double], _ expected: [Double]?, floor: Double = 1e-300) -> Double {
        guard let expected, found.count == expected.count, !found.isEmpty else { return .infinity }
        return zip(found, expected).map { abs($0 - $1) / max(abs($1), floor) }.max() ?? .infinity
    }
}
