import Calibration
import Foundation
import Live
import Settings
import Simulator
import Testing
import Workloads

/// The committed measurements of the testbed, and the simulator's defaults that come from them.
@Suite struct ShippedFitTests {
    private static let folder = "experiments/calibration"

    private static let report: Result<CalibrationReport, any Error> = Result {
        let settings = try SweepTests.settings()
        let table = try MeasurementTable(file: "\(folder)/measurements.csv")
        var live = settings.live
        live.services[0].manifest = "configs/live/nginx-gzip.yaml"
        return try CalibrationReport(
            table, SimulatedSweep(settings, requestedCPU: try InterferenceRig.requestedCPU(live)))
    }

    @Test func theWholeSweepWasMeasured() throws {
        let table = try MeasurementTable(file: "\(Self.folder)/measurements.csv")
        let sweep = try SweepTests.settings().sweep
        for (point, round) in sweep.schedule {
            #expect(table.windows(of: point, round: round) == sweep.windows, "\(point.name)")
        }
    }

    /// Fitting again gives what is committed, and what is committed is what the simulator starts from.
    @Test func theDefaultsAreTheFit() throws {
        let fitted = try Self.report.get().parameters
        let committed = try FittedParameters.load(from: "\(Self.folder)/fit.yaml")
        func expectClose(_ left: Double, _ right: Double, _ name: String) {
            #expect(abs(left - right) <= 0.005 * abs(right) + 1e-4, "\(name): \(left), not \(right)")
        }
        let kind = ServiceKind()
        for (name, again, value, shipped) in [
            ("cpu", fitted.cpuSensitivity, committed.cpuSensitivity, kind.cpuSensitivity),
            ("cache", fitted.cacheSensitivity, committed.cacheSensitivity, kind.cacheSensitivity),
            ("bandwidth", fitted.bandwidthSensitivity, committed.bandwidthSensitivity, kind.bandwidthSensitivity),
        ] {
            expectClose(again, value, name)
            expectClose(shipped.lower, value, name)
            expectClose(shipped.upper, value, name)
        }
        expectClose(fitted.meanServiceTime, committed.meanServiceTime, "service time")
        expectClose(fitted.bandwidthCores, committed.bandwidthCores, "bandwidth cores")
        expectClose(StressCost().bandwidthCores, committed.bandwidthCores, "bandwidth cores")
    }

    /// The figures that experiments/calibration claims.
    @Test func whatWasHeldOutIsPredicted() throws {
        let report = try Self.report.get()
        let error = try #require(report.medianError(heldOut: true))
        let bound = max(0.2, 1.5 * (try #require(report.repeatError)))
        #expect(error < bound, "median error \(error) of the held-out points, bound \(bound)")
        #expect(try #require(report.heldOutRankCorrelation) > 0.9)
        for source in [StressSource.cpu, .lastLevelCache, .memoryBandwidth] {
            let rises = report.rises.filter { $0.source == source }
            #expect(rises.map(\.measured) == rises.map(\.measured).sorted(), "\(source): \(rises)")
            #expect(rises.allSatisfy { $0.measured > 1 })
        }
    }
}
