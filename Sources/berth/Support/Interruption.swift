import Glibc
import Synchronization

/// Ctrl-C and `kill`, turned into a question that long work asks between its steps.
///
/// The first signal asks the work to stop; a second one ends the process at once.
enum Interruption {
    // The handler only stores into this and calls signal(2): both are safe in a signal handler.
    private static let received = Atomic<Int32>(0)

    /// Starts to listen for SIGINT and SIGTERM.
    static func install() {
        // Made now: a global must not be initialised inside a signal handler.
        _ = received.load(ordering: .relaxed)
        // A parent that blocks signals, as threads of a dispatch queue do, passes that on to its children.
        var wanted = sigset_t()
        sigemptyset(&wanted)
        for number in [SIGINT, SIGTERM] {
            sigaddset(&wanted, number)
            signal(number) { number in
                Interruption.received.store(number, ordering: .relaxed)
                signal(number, SIG_DFL)
            }
        }
        pthread_sigmask(SIG_UNBLOCK, &wanted, nil)
    }

    /// The signal that asked to stop; `nil` when none came.
    static var signalNumber: Int32? {
        let number = received.load(ordering: .relaxed)
        return number == 0 ? nil : number
    }

    /// Exit status of a process that stopped because it was asked to.
    static var exitStatus: Int32 { 128 + received.load(ordering: .relaxed) }
}
