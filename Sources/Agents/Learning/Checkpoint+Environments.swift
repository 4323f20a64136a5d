import Checkpoints
import Foundation
import Gym
import Randomness

/// Where the environments of a run stand.
extension Checkpoint {
    /// Stores the generators of actions and, where the environments can be stored, everything that their episodes need
    /// to go on.
    /// - Throws: `CheckpointingError` when an environment's state has no form.
    mutating func setBlocks<Environments: EnvironmentGroup>(_ blocks: [EnvironmentBlock<Environments>]) throws {
        setGenerators(blocks.flatMap(\.generators), at: "generators/actions")
        guard blocks.allSatisfy(\.environments.canBeStored) else { return }
        let count = blocks.reduce(0) { $0 + $1.range.count }
        var observations = blocks[0].observations.emptied()
        for block in blocks { observations.append(allOf: block.observations) }
        self["environments/observations"] = .text(
            String(decoding: try EnvironmentState.encoder().encode(observations), as: UTF8.self))
        self["environments/returns"] = .float64(blocks.flatMap(\.currentReturns), shape: [count])
        self["environments/lengths"] = .int64(blocks.flatMap { $0.currentLengths.map(Int64.init) }, shape: [count])
        for block in blocks {
            for (index, state) in zip(block.range, try block.environments.environmentStates()) {
                self["environments/states/\(index)"] = .text(String(decoding: state, as: UTF8.self))
            }
        }
    }

    /// The blocks that `setBlocks` stored. Environments that cannot be stored stay where they are.
    /// - Parameter blocks: of the same run; they may be of other episodes.
    /// - Throws: `CheckpointError` or `CheckpointingError` naming what is missing or does not fit.
    func blocks<Environments: EnvironmentGroup>(
        like blocks: [EnvironmentBlock<Environments>]
    ) throws -> [EnvironmentBlock<Environments>] {
        let count = blocks.reduce(0) { $0 + $1.range.count }
        var blocks = blocks
        let generators = try generators(count, at: "generators/actions")
        for index in blocks.indices { blocks[index].generators = Array(generators[blocks[index].range]) }
        guard blocks.allSatisfy(\.environments.canBeStored) else { return blocks }
        let observations = try storedObservations(like: blocks[0].observations, count: count)
        let returns = try doubles("environments/returns", shape: [count])
        let lengths = try integers("environments/lengths", shape: [count])
        for index in blocks.indices {
            let range = blocks[index].range
            try blocks[index].environments.restore(
                range.map { Data(try text("environments/states/\($0)").utf8) })
            blocks[index].currentReturns = Array(returns[range])
            blocks[index].currentLengths = lengths[range].map { Int($0) }
            blocks[index].observations.removeAll()
            for environment in range { blocks[index].observations.append(environment, of: observations) }
        }
        return blocks
    }

    private func storedObservations<Observations: ObservationBatch>(
        like batch: Observations, count: Int
    ) throws -> Observations {
        let path = "environments/observations"
        let observations: Observations
        do {
            observations = try EnvironmentState.decoder().decode(Observations.self, from: Data(try text(path).utf8))
        } catch let error as DecodingError {
            throw CheckpointError(.unsound, path: path, problem: "cannot be read: \(error)")
        }
        guard observations.count == count, observations.rowWidths == batch.rowWidths else {
            throw CheckpointError(
                .unsound, path: path,
                problem: "expected \(count) observations with rows of \(batch.rowWidths) features, found "
                    + "\(observations.count) with \(observations.rowWidths)")
        }
        return observations
    }
}
