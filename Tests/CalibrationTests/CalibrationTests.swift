import Calibration
import Foundation
import Live
import Settings
import Simulator
import Testing
import Workloads

/// Statistics and the optimiser, against the outside.
@Suite struct NelderMeadTests {
    @Test func theSimplexFindsTheValleysEnd() {
        let found = NelderMead().minimum(from: [-1.2, 1], step: 0.5) { point in
            let (x, y) = (point[0], point[1])
            return (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x)
        }
        #expect(found.value < 1e-8)
        #expect(abs(found.point[0] - 1) < 1e-3 && abs(found.point[1] - 1) < 1e-3)
    }
}

/// The sweep: which points, in which order, which of them held out.
@Suite struct SweepTests {
    static func settings() throws -> CalibrationSettings {
        try CalibrationSettings.load(from: "configs/calibrate/testbed.yaml")
    }

    @Test func everyPointIsMeasuredOnce() throws {
        let sweep = try Self.settings().sweep
        let first = sweep.schedule.filter { $0.round == 0 }.map(\.point)
        #expect(first.count == 32 && Set(first) == Set(sweep.points))
        #expect(first != sweep.points, "the order is random")
        let again = sweep.schedule.filter { $0.round == 1 }.map(\.point)
        #expect(again.count == sweep.repeats && Set(again).count == again.count && Set(again).isSubset(of: first))
        // A sweep that goes on must come to the same.
        #expect(sweep.schedule.map(\.point) == sweep.schedule.map(\.point))
        #expect(sweep.heldOut.count == 10 && sweep.heldOut == sweep.heldOut)
    }

    /// The issue's bound for the testbed.
    @Test func thePointsAreFewAndLong() throws {
        let sweep = try Self.settings().sweep
        #expect(sweep.schedule.count <= 60)
        #expect(sweep.windows >= 3 && sweep.windowSeconds == 30)
    }

    @Test(arguments: [
        ("node: ''", "node"), ("sweep.windows=0", "sweep.windows"), ("sweep.loads[0].replicas=9", "sweep.loads[0]"),
        ("sweep.interference[0].levels=[1.5]", "sweep.interference[0].levels[0]"),
    ])
    func refuses(_ override: String, _ key: String) throws {
        let change = override.replacingOccurrences(of: ": ", with: "=")
        do {
            _ = try CalibrationSettings.load(from: "configs/calibrate/testbed.yaml", overrides: [change])
            Issue.record("\(override) was accepted")
        } catch {
            #expect(error.message.contains(key), "\(error.message)")
        }
    }
}

/// The measurements' file.
@Suite struct MeasurementTableTests {
    private func window(_ p99: Double?) -> InterferenceRig.Window {
        InterferenceRig.Window(
            seconds: 30.25, arrived: 900, completed: 898, rejected: 1, timedOut: 1, p50: p99.map { $0 / 4 },
            p95: p99.map { $0 / 2 }, p99: p99, sendDelay: 0.0005, nodeCores: 0.75, serviceCores: nil,
            interferenceCores: 0.25, nodeMemory: 1_048_576)
    }

    private func write(_ text: String) throws -> String {
        let file = FileManager.default.temporaryDirectory.appending(path: "measurements-\(UUID().uuidString).csv").path
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }

    @Test func isReadAsItWasWritten() throws {
        var table = MeasurementTable()
        let point = CalibrationPoint(replicas: 2, rate: 12.5, source: .lastLevelCache, level: 0.5)
        table.append([window(0.125), window(0.25), window(0.0625)], of: point, round: 0)
        table.append([window(nil)], of: CalibrationPoint(replicas: 1, rate: 3), round: 1)
        let file = try write("")
        try table.write(to: file)
        let read = try MeasurementTable(file: file)
        #expect(read == table)
        #expect(read.quantiles(of: point, round: 0) == Quantiles(p50: 0.03125, p95: 0.0625, p99: 0.125))
        #expect(read.quantiles(of: point, round: 1) == nil)
        #expect(read.windows(of: point, round: 0) == 3)
        // What was not measured is no latency of zero.
        #expect(read.quantiles(of: CalibrationPoint(replicas: 1, rate: 3), round: 1) == nil)
    }

    @Test(arguments: ["", "time,p99\n", "HEADER\n1,2,3\n", "HEADER\nROW,nan\n", "HEADER\nBADSOURCE\n"])
    func refusesWhatIsNoMeasurement(_ text: String) throws {
        var table = MeasurementTable()
        table.append([window(0.1)], of: CalibrationPoint(replicas: 1, rate: 3), round: 0)
        let lines = table.text.split(separator: "\n").map(String.init)
        let row = lines[1].split(separator: ",", omittingEmptySubsequences: false).dropLast().joined(separator: ",")
        let file = try write(
            text.replacing("HEADER", with: lines[0]).replacing("ROW", with: row)
                .replacing("BADSOURCE", with: lines[1].replacing("none", with: "gpu")))
        let error = #expect(throws: CalibrationError.self) { try MeasurementTable(file: file) }
        #expect(error?.code == .unreadable)
        #expect(error?.description.hasPrefix(file) == true)
    }
}

/// The fit.
@Suite struct FitTests {
    /// From what the simulator itself says the fit must find its way back.
    @Test func recoversWhatMadeTheMeasurements() throws {
        let settings = try SweepTests.settings()
        let sweep = SimulatedSweep(settings, requestedCPU: 0.15)
        var truth = FittedParameters()
        truth.meanServiceTime = 0.009
        truth.squaredVariation = 0.2
        truth.cpuSensitivity = 0.3
        truth.cacheSensitivity = 0.8
        truth.bandwidthSensitivity = 1.5
        truth.bandwidthCores = 0.8
        let points = try settings.sweep.points.map { point in
            (point: point, quantiles: try #require(try sweep.predict(point, truth)))
        }
        let found = try sweep.fit(to: points)
        #expect(abs(found.meanServiceTime / truth.meanServiceTime - 1) < 0.02)
        for (point, quantiles) in points {
            let predicted = try #require(try sweep.predict(point, found))
            #expect(abs(predicted.p99 / quantiles.p99 - 1) < 0.03, "\(point.name)")
        }
    }

    @Test func interferenceSlowsMoreTheStrongerItIs() throws {
        let settings = try SweepTests.settings()
        let sweep = SimulatedSweep(settings, requestedCPU: 0.15)
        for source in [StressSource.cpu, .lastLevelCache, .memoryBandwidth] {
            let latencies = try [0, 0.25, 0.5, 0.75, 1].map { level in
                try #require(
                    try sweep.predict(
                        CalibrationPoint(replicas: 1, rate: 30, source: level > 0 ? source : nil, level: level),
                        FittedParameters())
                ).p99
            }
            #expect(latencies == latencies.sorted() && latencies[4] > 1.2 * latencies[0], "\(source): \(latencies)")
        }
        // What the simulator does not model it does not guess.
        let network = CalibrationPoint(replicas: 1, rate: 30, source: .network, level: 1)
        #expect(try sweep.predict(network, FittedParameters()) == nil)
    }

    @Test func needsEnoughPoints() throws {
        let sweep = SimulatedSweep(try SweepTests.settings(), requestedCPU: 0.15)
        let point = CalibrationPoint(replicas: 1, rate: 30)
        let error = #expect(throws: CalibrationError.self) {
            try sweep.fit(to: [(point, Quantiles(p50: 0.01, p95: 0.02, p99: 0.03))])
        }
        #expect(error?.code == .tooFewPoints)
    }
}
