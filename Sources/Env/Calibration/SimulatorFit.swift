import Cluster
import Foundation
import Live
import LoadGeneration
public import Settings
import Simulator
import Workloads

/// What is fitted: the service, how interference slows it, and what stress pods take.
public struct FittedParameters: Configurable, Equatable {
    /// Mean CPU time of a request in seconds.
    public var meanServiceTime = 0.01
    /// Its squared coefficient of variation; log-normal.
    public var squaredVariation = 0.1
    /// Slow-down under full contention by CPU of others on the node - 1.
    public var cpuSensitivity = 0.5
    /// Slow-down under full contention for the last-level cache - 1.
    public var cacheSensitivity = 0.5
    /// Slow-down under full contention for memory bandwidth - 1.
    public var bandwidthSensitivity = 0.5
    /// Cores that a bandwidth worker burns at level 1.
    public var bandwidthCores = 0.5

    /// Where the fit starts.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("meanServiceTime", meanServiceTime, above: 0)
        try require("squaredVariation", squaredVariation, in: 0...4)
        try require("cpuSensitivity", cpuSensitivity, in: 0...100)
        try require("cacheSensitivity", cacheSensitivity, in: 0...100)
        try require("bandwidthSensitivity", bandwidthSensitivity, in: 0...100)
        try require("bandwidthCores", bandwidthCores, in: 0...64)
    }

    /// Logarithms, so that the fit cannot leave the positive numbers.
    fileprivate var logarithms: [Double] {
        [
            meanServiceTime, squaredVariation, cpuSensitivity, cacheSensitivity, bandwidthSensitivity, bandwidthCores,
        ].map { log($0) }
    }

    /// Values beyond what the settings allow are taken for the nearest that are.
    fileprivate init(logarithms: [Double]) {
        let values = logarithms.map { exp(min(20, max(-20, $0))) }
        meanServiceTime = min(max(values[0], 1e-5), 10)
        squaredVariation = min(values[1], 4)
        cpuSensitivity = min(values[2], 100)
        cacheSensitivity = min(values[3], 100)
        bandwidthSensitivity = min(values[4], 100)
        bandwidthCores = min(values[5], 64)
    }
}

/// The simulator in the conditions of a sweep.
public struct SimulatedSweep: Sendable {
    /// The sweep, its node and what is not fitted.
    public let settings: CalibrationSettings
    /// CPU that a replica requests, in cores.
    public let requestedCPU: Double

    /// The simulator in the conditions of `settings`.
    /// - Parameter requestedCPU: CPU that a replica requests, in cores: its weight against the interference.
    public init(_ settings: CalibrationSettings, requestedCPU: Double) {
        (self.settings, self.requestedCPU) = (settings, requestedCPU)
    }

    /// What the simulator says of a point: the latency in the second of three windows, as the median of three would be.
    /// - Returns: `nil` for interference that it does not model.
    /// - Throws: `SimulatorError`.
    /// - Precondition: `settings` and `parameters` are valid.
    public func predict(_ point: CalibrationPoint, _ parameters: FittedParameters) throws -> Quantiles? {
        var cluster = SimulatedCluster(valid: simulator(point, parameters))
        cluster.reset(seed: 0)
        if let specification = settings.sweep.specification(point) {
            var stress = settings.stress
            stress.bandwidthCores = parameters.bandwidthCores
            let memory = settings.model.memoryGiB * 1_073_741_824
            guard var job = stress.job(specification, nodeMemory: memory) else { return nil }
            job.duration = 1e6
            cluster.start(job, named: "interference", on: 0)
        }
        _ = try cluster.advance()
        let service = try cluster.advance().services[0]
        guard let p50 = service.latencyP50, let p95 = service.latencyP95, let p99 = service.latencyP99 else {
            return nil
        }
        return Quantiles(p50: p50, p95: p95, p99: p99)
    }

    private func simulator(_ point: CalibrationPoint, _ parameters: FittedParameters) -> SimulatorSettings {
        var simulator = SimulatorSettings()
        simulator.interval = settings.sweep.windowSeconds
        simulator.warmup = 0
        simulator.nodes.count = ValueRange(1)
        simulator.nodes.kinds = [settings.model]
        simulator.interference = .none
        simulator.contention = settings.contention
        simulator.telemetry = .exact
        simulator.services.count = ValueRange(1)
        simulator.services.patterns = [.constant(ConstantLoad())]
        simulator.services.rateNoise = ValueRange(0)
        simulator.services.poissonArrivals = false
        simulator.services.kinds = [
            Self.service(point, parameters, requestedCPU, settings.live.services[0].load.timeout)
        ]
        return simulator
    }

    private static func service(
        _ point: CalibrationPoint, _ parameters: FittedParameters, _ requestedCPU: Double, _ timeout: Double
    ) -> ServiceKind {
        var kind = ServiceKind()
        kind.serviceTime = .logNormal
        kind.meanServiceTime = ValueRange(parameters.meanServiceTime)
        kind.squaredVariation = ValueRange(parameters.squaredVariation)
        kind.objectiveFactor = ValueRange(10)
        kind.timeoutFactor = ValueRange(max(1, timeout / (10 * parameters.meanServiceTime)))
        kind.workers = ValueRange(1)
        kind.cpuRequest = ValueRange(requestedCPU)
        kind.memoryRequestGiB = ValueRange(0.03)
        kind.rate = ValueRange(point.rate)
        kind.replicas = ValueRange(Double(point.replicas))
        kind.maximumReplicas = max(kind.maximumReplicas, point.replicas)
        kind.cpuSensitivity = ValueRange(parameters.cpuSensitivity)
        kind.cacheSensitivity = ValueRange(parameters.cacheSensitivity)
        kind.bandwidthSensitivity = ValueRange(parameters.bandwidthSensitivity)
        return kind
    }

    /// Fits the parameters to what was measured, by least squares of the logarithms of p99 (weight 1), p95 and p50
    /// (1/2 each), with the downhill simplex method from three starts.
    /// - Parameter measured: the points to fit to, with what was measured of them.
    /// - Throws: `CalibrationError` where there are too few.
    public func fit(to measured: [(point: CalibrationPoint, quantiles: Quantiles)]) throws -> FittedParameters {
        guard measured.count >= 7 else {
            throw CalibrationError(
                .tooFewPoints,
                "6 parameters cannot be fitted to \(measured.count) points: measure at least 7 beside those held out")
        }
        var failure: (any Error)?
        func loss(_ logarithms: [Double]) -> Double {
            var sum = 0.0
            do {
                let parameters = FittedParameters(logarithms: logarithms)
                for (point, seen) in measured {
                    guard let predicted = try predict(point, parameters) else { continue }
                    for (ratio, weight) in [
                        (predicted.p50 / seen.p50, 0.5), (predicted.p95 / seen.p95, 0.5), (predicted.p99 / seen.p99, 1),
                    ] {
                        sum += weight * log(ratio) * log(ratio)
                    }
                }
            } catch {
                failure = error
                return .infinity
            }
            return sum
        }
        var best: (point: [Double], value: Double)?
        let start = FittedParameters().logarithms
        for (offset, step) in [(0.0, 0.5), (0.4, -0.6), (-0.6, 0.8)] {
            let found = NelderMead(evaluations: 800).minimum(from: start.map { $0 + offset }, step: step, of: loss)
            if found.value < best?.value ?? .infinity { best = found }
        }
        if let best {
            // Once more from where it ended: a simplex can collapse before it is there.
            let again = NelderMead(evaluations: 800).minimum(from: best.point, step: 0.3, of: loss)
            return FittedParameters(logarithms: again.value < best.value ? again.point : best.point)
        }
        throw failure
            ?? CalibrationError(.noFit, "the fit found nothing: the measurements are not those of this service")
    }
}
