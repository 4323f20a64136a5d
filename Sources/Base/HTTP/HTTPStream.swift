import Synchronization

/// What arrives for one request: one head, then data until the end.
///
/// For one reader at a time. No more than `bufferedBytes` wait for the reader, besides the chunk that goes over it:
/// when it falls behind, the transfer pauses and the server feels it. Ending the iteration early, or letting go of the
/// stream, aborts the transfer. Iterating throws `TransportError` where the transfer fails, and ends early when the
/// task is cancelled.
public struct HTTPStream: AsyncSequence, Sendable {
    /// A head or data.
    public typealias Element = HTTPEvent

    /// How many bytes may wait for the reader.
    public static let bufferedBytes = 512 << 10

    private let handle: Handle

    init(_ buffer: StreamBuffer, resume: @escaping @Sendable () -> Void, abort: @escaping @Sendable () -> Void) {
        handle = Handle(buffer: buffer, resume: resume, abort: abort)
    }

    /// Reads from where the last reader stopped.
    public func makeAsyncIterator() -> Iterator { Iterator(handle: handle) }

    /// Reads the events in order.
    public struct Iterator: AsyncIteratorProtocol {
        fileprivate let handle: Handle

        /// The next event; `nil` at the end, and when the task is cancelled.
        /// - Throws: `TransportError` where the transfer failed.
        public mutating func next() async throws -> HTTPEvent? {
            let event = try await withTaskCancellationHandler {
                try await handle.buffer.next()
            } onCancel: { [handle] in
                handle.abort()
                handle.buffer.finish(nil)
            }
            if handle.buffer.wantsMore() { handle.resume() }
            return event
        }
    }

    /// Aborts the transfer when nobody reads any more.
    fileprivate final class Handle: Sendable {
        let buffer: StreamBuffer
        let resume: @Sendable () -> Void
        let abort: @Sendable () -> Void

        init(buffer: StreamBuffer, resume: @escaping @Sendable () -> Void, abort: @escaping @Sendable () -> Void) {
            self.buffer = buffer
            self.resume = resume
            self.abort = abort
        }

        deinit { abort() }
    }
}

/// What has arrived and was not read yet: the transfer thread writes, one task reads.
final class StreamBuffer: Sendable {
    private struct State {
        var events: [HTTPEvent] = []
        var taken = 0
        var bytes = 0
        var isPaused = false
        var isFinished = false
        var failure: TransportError?
        var reader: CheckedContinuation<HTTPEvent?, any Error>?
    }

    private let state = Mutex(State())

    func put(_ head: HTTPHead) { add(.head(head), bytes: 0) }

    /// Takes in the next bytes; false where the transfer is to pause first and bring them again.
    func put(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let isFull = state.withLock { state in
            state.isPaused = state.bytes >= HTTPStream.bufferedBytes
            return state.isPaused
        }
        if isFull { return false }
        add(.data(Array(bytes)), bytes: bytes.count)
        return true
    }

    private func add(_ event: HTTPEvent, bytes: Int) {
        let reader = state.withLock { state -> CheckedContinuation<HTTPEvent?, any Error>? in
            guard !state.isFinished else { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            state.events.append(event)
            state.bytes += bytes
            return nil
        }
        reader?.resume(returning: event)
    }

    /// Ends the stream after what is in it; the first call counts.
    func finish(_ failure: TransportError?) {
        let reader = state.withLock { state -> CheckedContinuation<HTTPEvent?, any Error>? in
            guard !state.isFinished else { return nil }
            state.isFinished = true
            let reader = state.reader
            state.reader = nil
            // A reader that waits gets it at once; otherwise the failure comes after what is still to be read.
            if reader == nil { state.failure = failure }
            return reader
        }
        if let failure { reader?.resume(throwing: failure) } else { reader?.resume(returning: nil) }
    }

    func next() async throws -> HTTPEvent? {
        try await withCheckedThrowingContinuation { continuation in
            let outcome = state.withLock { state -> Result<HTTPEvent?, any Error>? in
                precondition(state.reader == nil, "a stream has one reader")
                if state.taken < state.events.count {
                    let event = state.events[state.taken]
                    state.taken += 1
                    if case .data(let bytes) = event { state.bytes -= bytes.count }
                    if state.taken == state.events.count {
                        state.events.removeAll(keepingCapacity: true)
                        state.taken = 0
                    }
                    return .success(event)
                }
                if let failure = state.failure {
                    state.failure = nil
                    return .failure(failure)
                }
                if state.isFinished { return .success(nil) }
                state.reader = continuation
                return nil
            }
            if let outcome { continuation.resume(with: outcome) }
        }
    }

    /// Whether a paused transfer should continue; true once for each pause.
    func wantsMore() -> Bool {
        state.withLock { state in
            guard state.isPaused, state.bytes <= HTTPStream.bufferedBytes / 2 else { return false }
            state.isPaused = false
            return true
        }
    }
}
