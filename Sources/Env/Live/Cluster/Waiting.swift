import Dispatch
import Synchronization

/// Runs `operation` and blocks the calling thread until it has ended.
///
/// Environments are stepped by ordinary calls, the API server is asked by asynchronous ones. The caller must be on a
/// thread of its own, as those of training and evaluation are: a blocked thread of Swift's pool is one less for the
/// operation.
func waiting<Value: Sendable>(_ operation: @escaping @Sendable () async throws -> Value) throws -> Value {
    let outcome = Outcome<Value>()
    let done = DispatchSemaphore(value: 0)
    Task.detached {
        let result: Result<Value, any Error>
        do { result = .success(try await operation()) } catch { result = .failure(error) }
        outcome.result.withLock { $0 = result }
        done.signal()
    }
    done.wait()
    // The operation has signalled, so there is a result.
    return try outcome.result.withLock { $0 ?? .failure(CancellationError()) }.get()
}

private final class Outcome<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
}
