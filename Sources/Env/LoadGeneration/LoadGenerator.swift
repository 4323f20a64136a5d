import CLinux
import Dispatch
import Foundation
import Synchronization
public import Workloads

/// Open-loop HTTP load on one service, with latencies corrected for coordinated omission.
///
/// Requests are due at moments fixed beforehand (`ArrivalSchedule`), whether or not earlier ones have been answered, and
/// each latency counts from the moment its request was due (Tene, "How NOT to measure latency", 2013): a service that
/// stalls is charged for every request that would have come meanwhile, without any later correction. Sending starts when
/// the generator is made and ends by itself after `LoadSettings.duration`.
///
/// Requests are GETs over HTTP/1.1 through libcurl, driven by epoll on a thread of its own; names that need resolving may
/// take libcurl a thread more. Proxies are not used, and the certificate of an https target is checked against the
/// system's. All methods may be called from any thread and return at once.
public final class LoadGenerator: Sendable {
    private let state: LoadState

    /// Starts to send.
    /// - Throws: `SettingsError` for a trace that cannot be read, `LoadError` where the system lacks what is needed.
    public convenience init(_ settings: LoadSettings) throws {
        try self.init(settings, schedule: ArrivalSchedule(settings))
    }

    /// Starts to send along a curve that was drawn elsewhere; `settings.pattern` is not looked at.
    /// - Throws: `LoadError` where the system lacks what is needed.
    public convenience init(_ settings: LoadSettings, curve: LoadCurve) throws {
        try self.init(settings, schedule: ArrivalSchedule(settings, curve: curve))
    }

    private init(_ settings: LoadSettings, schedule: ArrivalSchedule) throws {
        try settings.validate()
        state = try LoadState(settings)
        let loop = try LoadLoop(settings, schedule: schedule, state: state)
        let thread = Thread { loop.run() }
        thread.name = "load"
        thread.start()
    }

    deinit { state.stop() }

    /// Replaces the targets. Every request that is due after this returns goes to the new ones; those in flight go on.
    /// With no targets, requests are rejected as they fall due.
    /// - Throws: `LoadError` for what is not an http or https URL; the targets then stay as they were.
    public func setTargets(_ targets: [String]) throws(LoadError) {
        if let wrong = targets.first(where: { !LoadSettings.isTarget($0) }) {
            throw LoadError(message: "expected an http or https URL as target, found \"\(wrong)\"")
        }
        state.ledger.withLock { $0.targets = targets }
    }

    /// What happened since the last harvest, or since the start. Cost: O(requests in flight), and a histogram.
    public func harvest() -> LoadInterval {
        var (interval, end) = state.ledger.withLock { $0.harvest(at: state.now) }
        interval.close(at: end)
        return interval
    }

    /// Ends the run at once. Requests without an answer stay in flight in the next harvest; later harvests are empty.
    public func stop() { state.stop() }

    /// Whether all requests have been sent and have ended, or the generator was stopped.
    public var isFinished: Bool { state.ledger.withLock { $0.isFinished } }
}

/// What a generator shares with its thread.
final class LoadState: Sendable {
    let ledger: Mutex<LoadLedger>
    /// An eventfd that interrupts the thread's wait. Open as long as anybody holds this object.
    let waker: Int32
    private let start: UInt64

    init(_ settings: LoadSettings) throws(LoadError) {
        var ledger = LoadLedger(objective: settings.objective, limit: settings.maximumOutstanding)
        ledger.targets = settings.targets
        self.ledger = Mutex(ledger)
        waker = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        start = DispatchTime.now().uptimeNanoseconds
        guard waker >= 0 else {
            throw LoadError(message: "cannot make an eventfd: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(waker) }

    /// Nanoseconds since the start, by the monotonic clock.
    var now: Int64 { Int64(DispatchTime.now().uptimeNanoseconds - start) }

    func stop() {
        ledger.withLock { $0.stop(at: now) }
        var one: UInt64 = 1
        write(waker, &one, MemoryLayout.size(ofValue: one))
    }
}
