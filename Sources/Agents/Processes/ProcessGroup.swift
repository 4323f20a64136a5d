import CMPI
import Foundation

/// Processes that compute one thing together: those that `mpirun` started, or this one alone.
///
/// They talk by gathering: every process gives some bytes and gets those of all, in the order of their ranks. Whatever
/// is computed from that in a fixed order is the same in all of them, bit for bit on one processor model.
///
/// All processes must gather the same number of times, each time from the thread that joined.
public final class ProcessGroup: Sendable {
    /// Number of this process, from 0.
    public let rank: Int
    /// Number of processes.
    public let size: Int
    /// Whether `mpirun` started this process, alone or with others.
    public let hasJoined: Bool
    private let isInterrupted: @Sendable () -> Bool

    /// This process alone.
    public static let single = ProcessGroup(rank: 0, size: 1, hasJoined: false) { false }

    /// What others have to arrive after a signal.
    private let patience: Duration

    package init(
        rank: Int, size: Int, hasJoined: Bool, patience: Duration = .zero,
        isInterrupted: @escaping @Sendable () -> Bool
    ) {
        (self.rank, self.size, self.hasJoined, self.isInterrupted) = (rank, size, hasJoined, isInterrupted)
        self.patience = patience
    }

    /// Joins the processes that `mpirun` started; `single` when this one was started otherwise.
    /// - Parameter isInterrupted: whether a signal has asked this process to stop: while others are waited for, it means
    ///   that `mpirun` ends the run.
    /// - Throws: `ProcessGroupError` when MPI cannot be loaded or another MPI than Open MPI started the process.
    public static func join(isInterrupted: @escaping @Sendable () -> Bool) throws(ProcessGroupError) -> ProcessGroup {
        let environment = ProcessInfo.processInfo.environment
        // The second one is set where another launcher, such as Slurm's, starts programs of Open MPI itself.
        guard environment["OMPI_COMM_WORLD_SIZE"] != nil || environment["PMIX_RANK"] != nil else {
            if let size = environment["PMI_SIZE"], size != "1" {
                throw ProcessGroupError(
                    "started as one of \(size) processes by an MPI that is not Open MPI",
                    hint: "use the mpirun of Debian's openmpi-bin")
            }
            return single
        }
        var (rank, size): (Int32, Int32) = (0, 0)
        if let problem = berth_mpi_join(&rank, &size) {
            throw ProcessGroupError(
                "started by mpirun, but Open MPI cannot be used: \(String(cString: problem))",
                hint: "install Debian's openmpi-bin on every machine of the run")
        }
        // mpirun kills what is still there so many seconds after its own signal; without --mca it is one.
        let killing = environment["OMPI_MCA_odls_base_sigkill_timeout"].flatMap { Double($0) } ?? 1
        return ProcessGroup(
            rank: Int(rank), size: Int(size), hasJoined: true, patience: .seconds(0.6 * max(0, killing)),
            isInterrupted: isInterrupted)
    }

    /// The part of `count` things that belongs to this process: parts are contiguous, in the order of ranks, and differ
    /// by one at most.
    public func share(of count: Int) -> Range<Int> { share(of: count, rank: rank) }

    /// The part of `count` things that belongs to the process of a rank.
    public func share(of count: Int, rank: Int) -> Range<Int> {
        count * rank / size..<count * (rank + 1) / size
    }

    /// Gives `own` to all processes.
    /// - Returns: what each gave, by rank.
    /// - Throws: `ProcessGroupError` when the others cannot be reached.
    public func gather(_ own: [UInt8]) throws(ProcessGroupError) -> [[UInt8]] {
        guard size > 1 else { return [own] }
        var lengths = Message()
        lengths.append([Int64(own.count)])
        let all = try gather(lengths.bytes, counts: Array(repeating: lengths.bytes.count, count: size))
        let counts = try all.map { bytes throws(ProcessGroupError) in
            var message = Message(bytes)
            return Int(try message.take(Int64.self).first ?? 0)
        }
        return try gather(own, counts: counts)
    }

    /// Whether the answer of any process is yes.
    public func any(_ answer: Bool) throws(ProcessGroupError) -> Bool {
        try gather([answer ? 1 : 0], counts: Array(repeating: 1, count: size)).contains([1])
    }

    /// Throws in all processes unless each gives the same text as the first.
    /// - Parameter what: the text's name in the message.
    public func requireSame(_ text: String, _ what: String, hint: String) throws(ProcessGroupError) {
        let all = try gather(Array(text.utf8))
        if let other = all.firstIndex(where: { $0 != all[0] }) {
            throw ProcessGroupError("process \(other) has another \(what) than the first process", hint: hint)
        }
    }

    /// Gives `own` to all processes, where each knows how much every other gives: half the time of `gather(_:)` for
    /// small things.
    /// - Parameter counts: bytes of each process, by rank.
    public func gather(_ own: [UInt8], counts: [Int]) throws(ProcessGroupError) -> [[UInt8]] {
        guard size > 1 else { return [own] }
        precondition(counts.count == size && counts[rank] == own.count, "a gathering of other sizes")
        var places: [Int32] = []
        var total = 0
        for count in counts {
            guard total + count <= Int(Int32.max) else {
                throw ProcessGroupError(
                    "the processes have more than 2 GiB to tell each other at once",
                    hint: "take fewer steps or environments in an iteration")
            }
            places.append(Int32(total))
            total += count
        }
        // Given back only when the gathering is complete: MPI may write into it until then, and the process of a gathering
        // that is given up ends.
        let memory = GatheringMemory(own: own, counts: counts, places: places, total: total)
        try wait(for: memory)
        defer { memory.deallocate() }
        return zip(places, counts).map { Array(memory.all[Int($0)..<Int($0) + $1]) }
    }

    private func wait(for memory: GatheringMemory) throws(ProcessGroupError) {
        var request: OpaquePointer?
        var code = berth_mpi_gather(
            memory.own.baseAddress, Int32(memory.own.count), memory.all.baseAddress, memory.counts.baseAddress,
            memory.places.baseAddress, &request)
        var done: Int32 = 0
        var polls = 0
        var deadline: ContinuousClock.Instant?
        while code == 0, done == 0 {
            code = berth_mpi_is_done(&request, &done)
            polls += 1
            guard done == 0, polls > Self.busyPolls else { continue }
            // MPI's own waiting takes a whole core, which a process on the same one may need to get here.
            usleep(Self.pollPause)
            guard isInterrupted() else { continue }
            let end = deadline ?? .now + patience
            if end < .now { throw .abandoned }
            deadline = end
        }
        guard code == 0 else {
            throw ProcessGroupError(
                "the other processes cannot be reached: \(String(cString: berth_mpi_error(code)))",
                hint: "one of them may have ended")
        }
    }

    /// Polls before a process begins to sleep between them, some 100 µs, and its sleep in µs.
    private static let busyPolls = 1_000
    private static let pollPause: UInt32 = 50

    /// Leaves the group, for the end of the program. All processes have to.
    public func leave() {
        if hasJoined { berth_mpi_leave() }
    }

    /// Ends all processes at once, for an error that the others do not know of.
    public func abort(status: Int32) -> Never {
        if hasJoined { berth_mpi_abort(status) }
        exit(status)
    }
}

/// What a gathering reads and writes while it is under way.
private struct GatheringMemory {
    let own: UnsafeMutableBufferPointer<UInt8>
    let all: UnsafeMutableBufferPointer<UInt8>
    let counts: UnsafeMutableBufferPointer<Int32>
    let places: UnsafeMutableBufferPointer<Int32>

    init(own: [UInt8], counts: [Int], places: [Int32], total: Int) {
        func copy<Value>(_ values: [Value]) -> UnsafeMutableBufferPointer<Value> {
            let copy = UnsafeMutableBufferPointer<Value>.allocate(capacity: values.count)
            _ = copy.initialize(from: values)
            return copy
        }
        self.own = copy(own)
        self.counts = copy(counts.map(Int32.init))
        self.places = copy(places)
        all = .allocate(capacity: total)
        all.initialize(repeating: 0)
    }

    func deallocate() {
        own.deallocate()
        all.deallocate()
        counts.deallocate()
        places.deallocate()
    }
}

/// Why processes cannot work together.
public struct ProcessGroupError: Error, CustomStringConvertible, Sendable, Equatable {
    /// What was wrong.
    public let description: String
    /// What to do about it; empty where nothing is known.
    public let hint: String

    /// An error with its message.
    public init(_ description: String, hint: String = "") {
        (self.description, self.hint) = (description, hint)
    }

    /// A signal came while the others were waited for, and they did not come.
    static let abandoned = ProcessGroupError(
        "the other processes do not answer, and mpirun ends the run: one of them has died, or it was told to stop")
}
