import Foundation
import Gym
import Processes
import Randomness

/// A worker whose block of environments one process steps, and whose results all processes get.
protocol SharedWorker: AnyObject, Sendable {
    /// Where it stands between two rollouts.
    associatedtype State: Codable

    /// Why the last rollout broke off.
    var failure: (any Error)? { get }

    /// Appends what the last rollout gave.
    func write(to message: inout Message)
    /// Takes over what another process's worker of the same block wrote.
    func read(from message: inout Message) throws

    /// Where it stands.
    func state() throws -> State
    /// Takes over where another process's worker of the same block stands.
    /// - Returns: false when that does not fit.
    func restore(_ state: State) throws -> Bool
}

/// A part of a gradient that one process computes and all processes get.
protocol SharedShard: Sendable {
    /// Why it has no gradient.
    var failure: (any Error)? { get }

    /// Appends the gradient and what belongs to it.
    func write(to message: inout Message)
    /// Takes over what another process's shard of the same part wrote.
    mutating func read(from message: inout Message) throws
}

extension ProcessGroup {
    /// Lets this process's part of the workers collect, and gives the others' their results.
    ///
    /// The steps that a worker takes do not depend on the process, so afterwards all workers are in all processes as if
    /// there was one, but for where they stand: `gatherStates` tells that.
    /// - Throws: what a worker failed with, here or in another process.
    func collect<Worker: SharedWorker>(
        _ workers: [Worker], _ pool: WorkerPool, _ collect: @escaping @Sendable (Worker) -> Void
    ) throws {
        let own = share(of: workers.count)
        pool.run(own.count) { collect(workers[own.lowerBound + $0]) }
        try exchange(
            count: workers.count, failure: workers[own].lazy.compactMap(\.failure).first,
            write: { workers[$0].write(to: &$1) }, read: { try workers[$0].read(from: &$1) })
    }

    /// Lets this process compute its part of a gradient's shards, and gives the others' to it.
    /// - Throws: what a shard failed with, here or in another process.
    func compute<Shard: SharedShard>(
        _ shards: ArraySlice<Owned<Shard>>, _ pool: WorkerPool,
        _ compute: @escaping @Sendable (_ index: Int, _ shard: inout Shard) -> Void
    ) throws {
        let own = share(of: shards.count)
        pool.run(own.count) { compute(own.lowerBound + $0, &shards[own.lowerBound + $0].value) }
        try exchange(
            count: shards.count, failure: shards[own].lazy.compactMap(\.value.failure).first,
            write: { shards[$0].value.write(to: &$1) }, read: { try shards[$0].value.read(from: &$1) })
    }

    /// Brings the first process's workers to where those that step them have them, for a checkpoint.
    /// - Parameter parameters: of the network, which have to be the same in all processes.
    func gatherStates<Worker: SharedWorker>(_ workers: [Worker], parameters: [Float]) throws {
        guard size > 1 else { return }
        try requireSame(
            Self.digest(parameters), "network",
            hint:
                "on processors of different models results differ in their last bits: train on one model, or give all "
                + "processes the same kernels with mpirun -x BERTH_KERNELS=v3 -x OPENBLAS_CORETYPE=Haswell")
        let states = try workers[share(of: workers.count)].map { try $0.state() }
        let all = try gather(Array(EnvironmentState.encoder().encode(states)))
        guard rank == 0 else { return }
        for other in 1..<size {
            let theirs = try EnvironmentState.decoder().decode([Worker.State].self, from: Data(all[other]))
            let share = workers[share(of: workers.count, rank: other)]
            guard theirs.count == share.count else { throw Self.otherEnvironments(other) }
            for (worker, state) in zip(share, theirs) {
                guard try worker.restore(state) else { throw Self.otherEnvironments(other) }
            }
        }
    }

    private static func otherEnvironments(_ process: Int) -> ProcessGroupError {
        ProcessGroupError(
            "the environments of process \(process) do not fit", hint: "all processes must have the same configuration")
    }

    /// What other parameters would hardly have.
    private static func digest(_ parameters: [Float]) -> String {
        var fingerprint = Fingerprint()
        for parameter in parameters { fingerprint.add(UInt64(parameter.bitPattern)) }
        return fingerprint.text
    }

    /// Gives the results of this process's part of `count` things and gets the others'.
    /// - Parameter failure: why this process has none; all then throw.
    private func exchange(
        count: Int, failure: (any Error)?, write: (Int, inout Message) -> Void,
        read: (Int, inout Message) throws -> Void
    ) throws {
        guard size > 1 else {
            if let failure { throw failure }
            return
        }
        var message = Message()
        message.append(Array((failure.map { "\($0)" } ?? "").utf8))
        if failure == nil {
            for index in share(of: count) { write(index, &message) }
        }
        let all = try gather(message.bytes)
        if let failure { throw failure }
        for other in 0..<size where other != rank {
            var message = Message(all[other])
            let problem = try message.take(UInt8.self)
            guard problem.isEmpty else {
                throw LearningError(.otherProcess, "process \(other): \(String(decoding: problem, as: UTF8.self))")
            }
            for index in share(of: count, rank: other) { try read(index, &message) }
        }
    }
}

extension Message {
    /// Appends observations.
    mutating func append(_ observations: some ObservationBatch) {
        for kind in observations.rowWidths.indices {
            let rows = observations.rows(ofKind: kind)
            append(rows.values)
            append(rows.counts)
        }
    }

    /// Takes observations out and puts them in the place of those in `observations`.
    mutating func take(into observations: inout some ObservationBatch) throws {
        let kinds = try observations.rowWidths.map { _ in
            (values: try take(Float.self), counts: try take(Int.self))
        }
        guard let filled = observations.filled(with: kinds) else {
            throw ProcessGroupError(
                "observations of another process do not fit", hint: "all processes must have the same configuration")
        }
        observations = filled
    }
}
