import Foundation
import Testing

/// `berth forecast`, run from outside.
@Suite struct ForecastTests {
    /// Two days of hours with a season, a little irregular, and one gap.
    private static func file(_ text: String? = nil) throws -> String {
        let rows = (0..<120).map { hour in
            let rate = 100 + 50 * sin(Double(hour) * .pi / 12) + Double(hour * 7919 % 13)
            return "\(hour)," + (hour == 60 ? "" : "\(rate)")
        }
        let url = FileManager.default.temporaryDirectory.appending(path: "berth-forecast-\(UUID().uuidString).csv")
        try Data((text ?? (["hour,rate"] + rows).joined(separator: "\n")).utf8).write(to: url)
        return url.path
    }

    @Test(arguments: ["arima", "holt-winters", "seasonal-naive", "auto"])
    func everyModelForecasts(model: String) async throws {
        let file = try Self.file()
        defer { try? FileManager.default.removeItem(atPath: file) }
        let result = try await BerthProcess.run([
            "forecast", file, "--period", "24", "--horizon", "12", "--model", model, "--log",
        ])
        #expect(result.status == 0, "\(result.errors)")
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 13 && lines.first == "step,forecast,lower,upper")
        for (step, line) in lines.dropFirst().enumerated() {
            let cells = line.split(separator: ",").compactMap { Double($0) }
            #expect(cells.count == 4 && cells[0] == Double(step + 1))
            // Within what the series does: 50 to 162.
            #expect(cells[1] > 20 && cells[1] < 250 && cells[2] > 0 && cells[2] < cells[1] && cells[1] < cells[3])
        }
    }

    @Test func anEvaluationComparesAllModels() async throws {
        let file = try Self.file()
        defer { try? FileManager.default.removeItem(atPath: file) }
        let result = try await BerthProcess.run(["forecast", file, "--period", "24", "--evaluate", "2"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("2 origins, 24 steps ahead, season 24, 95 % intervals\n"))
        for name in ["ARIMA (", "Holt-Winters, ", "seasonal-naive "] {
            #expect(result.output.contains("\n" + name), "\(result.output)")
        }
    }

    @Test func wrongUsageAndFiles() async throws {
        let file = try Self.file("hour,rate\n1,2\n2,x\n")
        defer { try? FileManager.default.removeItem(atPath: file) }
        for options in [["--period", "0"], ["--horizon", "0"], ["--level", "1"], ["--evaluate", "0"]] {
            let result = try await BerthProcess.run(["forecast", file] + options)
            #expect(result.status == 2 && result.errors.hasPrefix("error: \(options[0]) must"), "\(result.errors)")
        }
        let model = try await BerthProcess.run(["forecast", file, "--model", "arma"])
        #expect(model.status == 2 && model.errors.hasPrefix("error: there is no model \"arma\"\nhint: "))
        let cell = try await BerthProcess.run(["forecast", file])
        #expect(cell.status == 1 && cell.output.isEmpty)
        #expect(cell.errors.hasPrefix("error: \(file):3: expected a number"), "\(cell.errors)")
    }
}
