/// Reads one JSON text (RFC 8259) from memory in one pass, pulling out what is asked for and skipping the rest.
///
/// Kubernetes objects carry far more than a scheduler needs (managed fields, annotations, images): skipping costs a
/// fraction of decoding. Skipped values are still checked for grammar, but not for valid UTF-8 inside their strings.
/// Nesting deeper than `maximumDepth` is an error, so that no input can exhaust the stack.
///
/// The bytes are borrowed: the reader must not outlive the buffer it was made with (see `reading(_:_:)`).
public struct JSONReader {
    /// The deepest nesting of arrays and objects that is read; deeper texts are refused.
    public static let maximumDepth = 256

    // Invariant: valid for the duration of `reading(_:_:)`, which is the only place a reader is made.
    @usableFromInline let base: UnsafeRawBufferPointer
    @usableFromInline var position = 0
    @usableFromInline var depth = 0

    @usableFromInline
    init(base: UnsafeRawBufferPointer) {
        self.base = base
    }

    /// Reads the one value that `bytes` hold.
    /// - Parameters:
    ///   - bytes: a whole JSON text, with nothing but white space around the value.
    ///   - body: must consume exactly one value from the reader and must not let the reader escape.
    /// - Returns: what `body` returns.
    /// - Throws: `JSONError` where the text is malformed, and what `body` throws.
    public static func reading<Value>(
        _ bytes: [UInt8], _ body: (inout JSONReader) throws -> Value
    ) throws -> Value {
        try bytes.withUnsafeBytes { try reading(buffer: $0, body) }
    }

    /// Reads the one value that `buffer` holds; `buffer` must stay valid until this returns.
    /// - Throws: `JSONError` where the text is malformed, and what `body` throws.
    public static func reading<Value>(
        buffer: UnsafeRawBufferPointer, _ body: (inout JSONReader) throws -> Value
    ) throws -> Value {
        var reader = JSONReader(base: buffer)
        let value = try body(&reader)
        try reader.expectEnd()
        return value
    }

    // MARK: Structure

    /// Reads an object, calling `member` for each of its members in order; `member` must consume the member's value
    /// (`skipValue()` for one it does not want). A repeated key is passed each time it appears.
    /// - Throws: `JSONError` for anything that is not an object.
    public mutating func readObject(_ member: (inout JSONReader, String) throws -> Void) throws {
        try open(UInt8(ascii: "{"), "an object")
        if try peek() == UInt8(ascii: "}") {
            close()
            return
        }
        while true {
            let key = try readString()
            try take(UInt8(ascii: ":"), "':' after the key \"\(key)\"")
            try member(&self, key)
            switch try peek() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"):
                close()
                return
            default: throw error("expected ',' or '}' in an object")
            }
        }
    }

    /// Reads an object as `readObject(_:)` does, or `null`.
    /// - Returns: false for `null`.
    @discardableResult
    public mutating func readObjectIfPresent(_ member: (inout JSONReader, String) throws -> Void) throws -> Bool {
        if try readNull() { return false }
        try readObject(member)
        return true
    }

    /// Reads an array, calling `element` once for each element; `element` must consume it.
    /// - Throws: `JSONError` for anything that is not an array.
    public mutating func readArray(_ element: (inout JSONReader) throws -> Void) throws {
        try open(UInt8(ascii: "["), "an array")
        if try peek() == UInt8(ascii: "]") {
            close()
            return
        }
        while true {
            try element(&self)
            switch try peek() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"):
                close()
                return
            default: throw error("expected ',' or ']' in an array")
            }
        }
    }

    /// Reads an array as `readArray(_:)` does, or `null`.
    /// - Returns: false for `null`.
    @discardableResult
    public mutating func readArrayIfPresent(_ element: (inout JSONReader) throws -> Void) throws -> Bool {
        if try readNull() { return false }
        try readArray(element)
        return true
    }

    /// Consumes `null` if it comes next.
    /// - Returns: whether it did.
    public mutating func readNull() throws -> Bool {
        guard try peek() == UInt8(ascii: "n") else { return false }
        try takeLiteral("null")
        return true
    }

    // MARK: Scalars

    /// Reads `true` or `false`.
    public mutating func readBool() throws -> Bool {
        switch try peek() {
        case UInt8(ascii: "t"):
            try takeLiteral("true")
            return true
        case UInt8(ascii: "f"):
            try takeLiteral("false")
            return false
        default: throw error("expected true or false")
        }
    }

    /// Reads a whole number.
    /// - Throws: `JSONError` for a number with a fraction or exponent, or outside 64 bits.
    public mutating func readInteger() throws -> Int64 {
        let start = try beginNumber()
        let text = String(decoding: base[start..<position], as: UTF8.self)
        guard let value = Int64(text) else {
            throw error("expected a whole number of 64 bits, found \(text)", at: start)
        }
        return value
    }

    /// Reads a number as the nearest double.
    public mutating func readDouble() throws -> Double {
        let start = try beginNumber()
        let text = String(decoding: base[start..<position], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            throw error("the number \(text) is out of range", at: start)
        }
        return value
    }

    /// Reads a string, or `null` as `nil`.
    public mutating func readStringIfPresent() throws -> String? {
        try readNull() ? nil : try readString()
    }

    /// Reads a string or the text of a number: quantities may be written either way.
    public mutating func readStringOrNumber() throws -> String {
        if try peek() == UInt8(ascii: "\"") { return try readString() }
        let start = try beginNumber()
        return String(decoding: base[start..<position], as: UTF8.self)
    }

    // MARK: Errors

    /// An error at `offset`, or where the reader stands.
    public func error(_ message: String, at offset: Int? = nil) -> JSONError {
        JSONError(offset: offset ?? position, message: message)
    }
}

/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Hashable, CustomStringConvertible {
    /// The byte at which reading stopped, counted from 0.
    public let offset: Int
    /// What was expected or found there.
    public let message: String

    /// An error that says `message` about the byte at `offset`.
    public init(offset: Int, message: String) {
        self.offset = offset
        self.message = message
    }

    /// "JSON, byte OFFSET: MESSAGE".
    public var description: String { "JSON, byte \(offset): \(message)" }
}
