import Synchronization

/// A value that a test shares with what it tests.
public final class Box<Value: Sendable>: Sendable {
    private let contents: Mutex<Value>

    /// A box with a value.
    public init(_ value: Value) { contents = Mutex(value) }

    /// The value.
    public var value: Value {
        get { contents.withLock { $0 } }
        set { contents.withLock { $0 = newValue } }
    }
}
