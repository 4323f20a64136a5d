public import Hummingbird
public import NIOCore

/// A body that could not be read to its end because its transfer is broken, such as a chunk whose length is no number.
///
/// `ErrorReplies` counts it and throws its cause: the server below then answers 400, once, and closes the connection.
public struct BrokenBody: Error {
    /// What is wrong with the transfer.
    public let cause: any Error
}

extension Request {
    /// The whole body.
    /// - Throws: `RequestError` for more than `maximum` bytes, `BrokenBody` for one that does not come to its end.
    public func wholeBody(upTo maximum: Int) async throws -> ByteBuffer {
        do {
            return try await body.collect(upTo: maximum)
        } catch is NIOTooManyBytesError {
            throw RequestError("the body exceeds \(maximum) bytes", code: .tooLarge)
        } catch {
            throw BrokenBody(cause: error)
        }
    }
}
