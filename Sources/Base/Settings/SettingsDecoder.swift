/// `Decoder` over a slot of the document.
struct SettingsDecoder: Decoder {
    let slot: SettingsSlot
    var keysAllowingInfinity: Set<String> = []
    let requested = RequestedKeys()

    // Errors take their path from the slot, so this stays empty.
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard slot.node.entries != nil else { throw slot.mismatch("a mapping") }
        requested.isKeyed = true
        return KeyedDecodingContainer(KeyedSlots(decoder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let elements = slot.node.elements else { throw slot.mismatch("a list") }
        return ListedSlots(slot: slot, elements: elements)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        SingleSlot(slot: slot)
    }
}

/// The keys that a type asked for while it was decoded. Used by one decoding, on one task.
final class RequestedKeys {
    var names: Set<String> = []
    var isKeyed = false
    /// The type takes any key, as a dictionary does.
    var all = false
}

struct KeyedSlots<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: SettingsDecoder
    var codingPath: [any CodingKey] { [] }

    var allKeys: [Key] {
        decoder.requested.all = true
        return (decoder.slot.node.entries ?? []).compactMap { Key(stringValue: $0.key) }
    }

    private func find(_ key: Key) -> SettingsSlot? {
        decoder.requested.names.insert(key.stringValue)
        let name = key.stringValue
        return decoder.slot.child(name, allowsInfinity: decoder.keysAllowingInfinity.contains(name))
    }

    private func child(_ key: Key) throws -> SettingsSlot {
        guard let child = find(key) else {
            throw DecodingError.keyNotFound(key, .init(codingPath: [], debugDescription: "missing"))
        }
        return child
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try child(key).node.isNull }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        var slot = try child(key)
        // A dictionary that is given replaces the default one, and its values are completed from their own type.
        if type is any AnyDictionary.Type { slot.standard = nil }
        return try slot.decode(type)
    }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try child(key).truth() }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try child(key).text() }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try child(key).floating(type) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try child(key).floating(type) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try child(key).integer(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try child(key).integer(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try child(key).integer(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try child(key).integer(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try child(key).integer(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try child(key).integer(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try child(key).integer(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try child(key).integer(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try child(key).integer(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try child(key).integer(type) }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try SettingsDecoder(slot: child(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try SettingsDecoder(slot: child(key)).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { SettingsDecoder(slot: try child(key)) }
}

private protocol AnyDictionary {}
extension Dictionary: AnyDictionary {}

struct ListedSlots: UnkeyedDecodingContainer {
    let slot: SettingsSlot
    let elements: [SettingsNode]
    var currentIndex = 0
    var codingPath: [any CodingKey] { [] }
    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    private mutating func next() throws -> SettingsSlot {
        guard !isAtEnd else {
            throw slot.error("expected more than \(elements.count) elements")
        }
        defer { currentIndex += 1 }
        return slot.element(currentIndex, elements[currentIndex])
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, elements[currentIndex].isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().decode(type) }
    mutating func decode(_ type: Bool.Type) throws -> Bool { try next().truth() }
    mutating func decode(_ type: String.Type) throws -> String { try next().text() }
    mutating func decode(_ type: Double.Type) throws -> Double { try next().floating(type) }
    mutating func decode(_ type: Float.Type) throws -> Float { try next().floating(type) }
    mutating func decode(_ type: Int.Type) throws -> Int { try next().integer(type) }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next().integer(type) }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next().integer(type) }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next().integer(type) }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next().integer(type) }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next().integer(type) }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next().integer(type) }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next().integer(type) }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next().integer(type) }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next().integer(type) }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try SettingsDecoder(slot: next()).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try SettingsDecoder(slot: next()).unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder { SettingsDecoder(slot: try next()) }
}

struct SingleSlot: SingleValueDecodingContainer {
    let slot: SettingsSlot
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { slot.node.isNull }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try slot.decode(type) }
    func decode(_ type: Bool.Type) throws -> Bool { try slot.truth() }
    func decode(_ type: String.Type) throws -> String { try slot.text() }
    func decode(_ type: Double.Type) throws -> Double { try slot.floating(type) }
    func decode(_ type: Float.Type) throws -> Float { try slot.floating(type) }
    func decode(_ type: Int.Type) throws -> Int { try slot.integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try slot.integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try slot.integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try slot.integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try slot.integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try slot.integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try slot.integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try slot.integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try slot.integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try slot.integer(type) }
}
