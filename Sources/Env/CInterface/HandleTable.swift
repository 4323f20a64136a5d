import Foundation

/// The environments that handles stand for. A handle is a number and not an address, so that one that is closed or made
/// up is an error and not a crash.
final class HandleTable: @unchecked Sendable {
    // Sendable because both variables are only touched with the lock held, and what they hold has a lock of its own.
    private let lock = NSLock()
    private var entries: [Int64: EnvironmentVector] = [:]
    private var last: Int64 = 0

    static let shared = HandleTable()

    private init() {}

    /// A handle for `vector`, above 0 and never given before.
    func insert(_ vector: EnvironmentVector) -> Int64 {
        lock.lock()
        defer { lock.unlock() }
        last += 1
        entries[last] = vector
        return last
    }

    /// What `handle` stands for.
    func vector(_ handle: Int64) throws -> EnvironmentVector {
        lock.lock()
        defer { lock.unlock() }
        guard let vector = entries[handle] else {
            throw InterfaceError(
                "there are no environments with the handle \(handle): they are closed, or berth_env_create did not "
                    + "return it")
        }
        return vector
    }

    /// Forgets `handle`; one that stands for nothing is left alone.
    func remove(_ handle: Int64) {
        lock.lock()
        defer { lock.unlock() }
        entries[handle] = nil
    }
}
