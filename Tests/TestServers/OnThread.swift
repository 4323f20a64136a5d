import Foundation

/// Runs what blocks on a thread of its own: a blocked thread of Swift's pool is one less for everything else.
public func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        let thread = Thread { continuation.resume(with: Result { try body() }) }
        // As much as a program's first thread has.
        thread.stackSize = 8 << 20
        thread.start()
    }
}
