/// A reply of PCM that has another form than its sources write.
public struct PCMError: Error, Hashable, CustomStringConvertible {
    /// What was found and what was expected.
    public let message: String

    init(_ message: String) {
        self.message = message
    }

    /// "PCM: MESSAGE".
    public var description: String { "PCM: \(message)" }
}
