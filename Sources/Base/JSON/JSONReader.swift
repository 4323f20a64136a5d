import CSimdjson
import Glibc

/// A view of a value in a JSON text (RFC 8259) parsed by simdjson, from which members are read as they are wanted.
///
/// Reading changes nothing: a value may be read twice, kept and read later, or not at all. Kubernetes objects carry far
/// more than a scheduler needs (managed fields, annotations, images): what is not asked for is never turned into Swift
/// values. The whole text is checked first, its UTF-8 too, so a reader only ever stands on a value of a valid text.
/// Nesting deeper than `maximumDepth` is an error.
public struct JSONReader {
    /// The deepest nesting of arrays and objects that is read; deeper texts are refused.
    public static let maximumDepth = 256

    // Keeps the memory that `value` points into.
    private let document: JSONDocument
    private let value: berth_json_value

    private init(document: JSONDocument, value: berth_json_value) {
        self.document = document
        self.value = value
    }

    /// Reads the one value that `bytes` hold.
    /// - Parameters:
    ///   - bytes: a whole JSON text, with nothing but white space around the value.
    ///   - body: reads what it wants of the value.
    /// - Returns: what `body` returns.
    /// - Throws: `JSONError` where the text is malformed, and what `body` throws.
    public static func reading<Value>(
        _ bytes: [UInt8], _ body: (JSONReader) throws -> Value
    ) throws -> Value {
        try bytes.withUnsafeBytes { try reading(buffer: $0, body) }
    }

    /// Reads the one value that `buffer` holds.
    /// - Throws: `JSONError` where the text is malformed, and what `body` throws.
    public static func reading<Value>(
        buffer: UnsafeRawBufferPointer, _ body: (JSONReader) throws -> Value
    ) throws -> Value {
        let document = try JSONDocument()
        return try body(JSONReader(document: document, value: try document.parse(buffer)))
    }

    private var kind: berth_json_kind { berth_json_get_kind(value) }

    // MARK: Structure

    /// Reads an object, calling `member` for each of its members in order, and for a repeated key each time it
    /// appears.
    /// - Throws: `JSONError` for anything that is not an object.
    public func readObject(_ member: (JSONReader, String) throws -> Void) throws {
        var iterator = berth_json_iterator()
        guard berth_json_iterate_object(value, &iterator) else { throw mismatch("an object") }
        var key: UnsafePointer<CChar>?
        var length = 0
        var found = berth_json_value()
        while berth_json_next_member(&iterator, &key, &length, &found) {
            try member(JSONReader(document: document, value: found), Self.text(key, length))
        }
    }

    /// Reads an object as `readObject(_:)` does, or `null`.
    /// - Returns: false for `null`.
    @discardableResult
    public func readObjectIfPresent(_ member: (JSONReader, String) throws -> Void) throws -> Bool {
        if isNull { return false }
        try readObject(member)
        return true
    }

    /// Reads an array, calling `element` once for each element.
    /// - Throws: `JSONError` for anything that is not an array.
    public func readArray(_ element: (JSONReader) throws -> Void) throws {
        var iterator = berth_json_iterator()
        guard berth_json_iterate_array(value, &iterator) else { throw mismatch("an array") }
        var found = berth_json_value()
        while berth_json_next_element(&iterator, &found) {
            try element(JSONReader(document: document, value: found))
        }
    }

    /// Reads an array as `readArray(_:)` does, or `null`.
    /// - Returns: false for `null`.
    @discardableResult
    public func readArrayIfPresent(_ element: (JSONReader) throws -> Void) throws -> Bool {
        if isNull { return false }
        try readArray(element)
        return true
    }

    /// Reads an array of numbers in parts, so that long arrays cost little more than their parsing; `null` stands for a
    /// missing one and is read as NaN.
    /// - Parameter part: called with up to 1,024 numbers at a time, in order.
    /// - Throws: `JSONError` for anything that is not an array of numbers and nulls, and what `part` throws.
    public func readNumbers(_ part: (UnsafeBufferPointer<Double>) throws -> Void) throws {
        var iterator = berth_json_iterator()
        guard berth_json_iterate_array(value, &iterator) else { throw mismatch("an array") }
        let capacity = 1_024
        try withUnsafeTemporaryAllocation(of: Double.self, capacity: capacity) { buffer in
            var count = capacity
            while count == capacity {
                var wrong = berth_json_value()
                let isSound = berth_json_next_numbers(&iterator, buffer.baseAddress, capacity, &count, &wrong)
                if count > 0 { try part(UnsafeBufferPointer(rebasing: buffer[..<count])) }
                guard isSound else { throw JSONReader(document: document, value: wrong).mismatch("a number") }
            }
        }
    }

    /// Whether the value is an array whose first element is an array.
    public var beginsWithArray: Bool {
        var iterator = berth_json_iterator()
        var found = berth_json_value()
        guard berth_json_iterate_array(value, &iterator), berth_json_next_element(&iterator, &found) else {
            return false
        }
        return berth_json_get_kind(found) == berth_json_array
    }

    /// Whether the value is `null`.
    public var isNull: Bool { kind == berth_json_null }

    // MARK: Scalars

    /// Reads `true` or `false`.
    public func readBool() throws -> Bool {
        var flag = false
        guard berth_json_get_bool(value, &flag) else { throw mismatch("true or false") }
        return flag
    }

    /// Reads a whole number.
    /// - Throws: `JSONError` for a number with a fraction or exponent, or outside 64 bits.
    public func readInteger() throws -> Int64 {
        var number: Int64 = 0
        guard kind == berth_json_int64, berth_json_get_int64(value, &number) else {
            throw mismatch("a whole number of 64 bits")
        }
        return number
    }

    /// Reads a number as the nearest double.
    public func readDouble() throws -> Double {
        var number = 0.0
        guard berth_json_get_double(value, &number) else { throw mismatch("a number") }
        return number
    }

    /// Reads a string.
    public func readString() throws -> String {
        var bytes: UnsafePointer<CChar>?
        var length = 0
        guard berth_json_get_string(value, &bytes, &length) else { throw mismatch("a string") }
        return Self.text(bytes, length)
    }

    /// Reads a string, or `null` as `nil`.
    public func readStringIfPresent() throws -> String? {
        isNull ? nil : try readString()
    }

    /// Reads a string or a number as text: quantities may be written either way.
    public func readStringOrNumber() throws -> String {
        switch kind {
        case berth_json_int64: return String(try readInteger())
        case berth_json_uint64, berth_json_double: return "\(try readDouble())"
        default: return try readString()
        }
    }

    /// Reads the value whole, whatever it is. Of a key that is repeated the last counts.
    public func readValue() throws -> JSONValue {
        switch kind {
        case berth_json_null: return .null
        case berth_json_bool: return .bool(try readBool())
        case berth_json_int64: return .integer(try readInteger())
        case berth_json_string: return .string(try readString())
        case berth_json_array:
            var elements: [JSONValue] = []
            try readArray { elements.append(try $0.readValue()) }
            return .array(elements)
        case berth_json_object:
            var members: [String: JSONValue] = [:]
            try readObject { reader, key in members[key] = try reader.readValue() }
            return .object(members)
        default: return .number(try readDouble())
        }
    }

    /// The value as minified JSON text, equal to what was read but for white space and the writing of numbers.
    /// - Throws: `JSONError` where memory runs out.
    public func text() throws -> [UInt8] {
        var length = 0
        guard let text = berth_json_copy_text(value, &length) else {
            throw JSONError("out of memory", code: .outOfMemory)
        }
        defer { free(text) }
        return Array(UnsafeRawBufferPointer(start: text, count: length))
    }

    // MARK: Errors

    /// An error about this value.
    public func error(_ message: String) -> JSONError { JSONError(message) }

    private func mismatch(_ expected: String) -> JSONError {
        let found =
            switch kind {
            case berth_json_null: "null"
            case berth_json_bool: "true or false"
            case berth_json_string: "a string"
            case berth_json_array: "an array"
            case berth_json_object: "an object"
            default: "a number"
            }
        return JSONError("expected \(expected), found \(found)", code: .wrongType)
    }

    private static func text(_ bytes: UnsafePointer<CChar>?, _ length: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: bytes, count: length), as: UTF8.self)
    }
}

/// What is wrong with a JSON text.
public struct JSONError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: Sendable, Hashable {
        /// The text is not JSON, or nested too deeply.
        case malformed
        /// A value is of another type than was asked for.
        case wrongType
        /// A value has the right type, and its reader has no use for it.
        case invalidValue
        /// The text is longer than its reader takes.
        case tooLarge
        /// There is no memory left for the text.
        case outOfMemory
    }

    /// What is wrong.
    public let code: Code
    /// What was expected or found.
    public let message: String

    /// An error that says `message`.
    public init(_ message: String, code: Code = .invalidValue) {
        (self.message, self.code) = (message, code)
    }

    /// "JSON: MESSAGE".
    public var description: String { "JSON: \(message)" }
}

/// A parsed text: owns simdjson's memory.
private final class JSONDocument {
    private let pointer: OpaquePointer

    init() throws {
        guard let pointer = berth_json_create() else { throw JSONError("out of memory", code: .outOfMemory) }
        self.pointer = pointer
    }

    deinit { berth_json_destroy(pointer) }

    func parse(_ text: UnsafeRawBufferPointer) throws -> berth_json_value {
        var root = berth_json_value()
        let bytes = text.baseAddress?.assumingMemoryBound(to: CChar.self)
        if let problem = berth_json_parse(pointer, bytes, text.count, JSONReader.maximumDepth, &root) {
            throw JSONError(String(cString: problem), code: .malformed)
        }
        return root
    }
}
