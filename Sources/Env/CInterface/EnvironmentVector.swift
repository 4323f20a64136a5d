import Cluster
import Foundation
import Gym
import Simulator

/// Simulated clusters that are stepped together and write into memory of the caller.
final class EnvironmentVector {
    /// The view that all of them have.
    let view: FlatView
    private var environments: [FlatClusterEnvironment<SimulatedCluster>]
    // Calls from several threads take turns: nothing in a caller's program should be able to corrupt memory here.
    private let lock = NSLock()

    /// Where a step writes: a row or a value for each environment.
    struct StepMemory {
        var observations: UnsafeMutablePointer<Float>
        var rewards: UnsafeMutablePointer<Double>
        var terminated: UnsafeMutablePointer<UInt8>
        var truncated: UnsafeMutablePointer<UInt8>
        var masks: UnsafeMutablePointer<UInt8>
        var elapsed: UnsafeMutablePointer<Double>?
        var replaced: UnsafeMutablePointer<UInt8>?
        var finalObservations: UnsafeMutablePointer<Float>?
        var finalMasks: UnsafeMutablePointer<UInt8>?
    }

    /// What a step does beside stepping.
    struct StepOptions {
        /// An environment whose episode ends begins the next one in the same step.
        var resetsEnded: Bool
        /// An illegal action is replaced by the first legal one instead of being an error.
        var replacesIllegal: Bool
    }

    /// - Parameter count: of environments, at least 1.
    /// - Throws: `SettingsError` for settings that make no sense or a file that cannot be read.
    init(_ settings: InterfaceSettings, count: Int) throws {
        let view = try settings.makeView()
        // Making a simulator checks its settings, which takes far longer than a copy.
        let cluster = try SimulatedCluster(settings: settings.simulator)
        environments = (0..<count).map { index in
            FlatClusterEnvironment(
                ClusterEnvironment(backend: cluster, settings: settings.episode, seed: UInt64(index)), view: view)
        }
        self.view = view
    }

    var count: Int { environments.count }

    /// Starts an episode in each.
    /// - Parameters:
    ///   - seeds: one for each; a negative one, or none at all, lets the environment go on from its last seed.
    func reset(
        seeds: UnsafePointer<Int64>?, observations: UnsafeMutablePointer<Float>, masks: UnsafeMutablePointer<UInt8>
    ) throws {
        lock.lock()
        defer { lock.unlock() }
        for index in environments.indices {
            let seed = seeds.flatMap { UInt64(exactly: $0[index]) }
            try begin(index, seed: seed, observations, masks)
        }
    }

    /// Steps each. Every action is checked before the first environment moves.
    func step(_ actions: UnsafePointer<Int64>, _ options: StepOptions, into memory: StepMemory) throws {
        lock.lock()
        defer { lock.unlock() }
        for index in environments.indices { try check(actions[index], index, options) }
        let width = view.observationSpace.width
        for index in environments.indices {
            let asked = Int(actions[index])
            guard let action = environments[index].legalAction(for: asked) else { throw EnvironmentError.needsReset }
            var observation = Self.row(memory.observations, index, width).mutableSpan
            let outcome = try environments[index].step(action, into: &observation)
            memory.rewards[index] = outcome.reward
            memory.terminated[index] = outcome.terminated ? 1 : 0
            memory.truncated[index] = outcome.truncated ? 1 : 0
            memory.elapsed?[index] = outcome.elapsed
            memory.replaced?[index] = action == asked ? 0 : 1
            guard outcome.ended, options.resetsEnded else {
                writeMask(index, memory.masks)
                continue
            }
            if let finals = memory.finalObservations {
                for column in 0..<width { finals[index * width + column] = observation[column] }
            }
            if let finals = memory.finalMasks { writeMask(index, finals) }
            try begin(index, seed: nil, memory.observations, memory.masks)
        }
    }

    private func check(_ action: Int64, _ index: Int, _ options: StepOptions) throws {
        guard let action = Int(exactly: action), view.actions.indices.contains(action) else {
            throw IllegalAction(
                "environment \(index): there is no action \(action), expected 0 to \(view.actions.count - 1)")
        }
        guard environments[index].isRunning else {
            throw InterfaceError("environment \(index): \(EnvironmentError.needsReset)")
        }
        guard options.replacesIllegal || environments[index].isLegal(action) else {
            throw IllegalAction("environment \(index): \(environments[index].illegalAction(action))")
        }
    }

    private func begin(
        _ index: Int, seed: UInt64?, _ observations: UnsafeMutablePointer<Float>,
        _ masks: UnsafeMutablePointer<UInt8>
    ) throws {
        var observation = Self.row(observations, index, view.observationSpace.width).mutableSpan
        try environments[index].reset(seed: seed, into: &observation)
        writeMask(index, masks)
    }

    private func writeMask(_ index: Int, _ masks: UnsafeMutablePointer<UInt8>) {
        var mask = Self.row(masks, index, view.actions.count).mutableSpan
        environments[index].writeActionMask(into: &mask)
    }

    private static func row<Value>(
        _ memory: UnsafeMutablePointer<Value>, _ index: Int, _ width: Int
    ) -> UnsafeMutableBufferPointer<Value> {
        UnsafeMutableBufferPointer(start: memory + index * width, count: width)
    }
}

/// An action that is not in the list or not legal now.
struct IllegalAction: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
