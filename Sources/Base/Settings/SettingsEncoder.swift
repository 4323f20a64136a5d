extension SettingsNode {
    /// Encodes a value; an optional that is `nil` is written as null, so that every key of the type is there.
    init(encoding value: some Encodable) throws(SettingsError) {
        let encoder = SettingsEncoder()
        do {
            try value.encode(to: encoder)
        } catch let error as SettingsError {
            throw error
        } catch {
            throw SettingsError(key: "", problem: "\(type(of: value)) cannot be written: \(error)")
        }
        self = encoder.box.node
    }

    fileprivate static func truth(_ value: Bool) -> SettingsNode {
        SettingsNode(.scalar(value ? "true" : "false", quoted: false))
    }

    fileprivate static func text(_ value: String) -> SettingsNode {
        SettingsNode(.scalar(value, quoted: true))
    }

    fileprivate static func number(_ value: some BinaryFloatingPoint & LosslessStringConvertible) -> SettingsNode {
        SettingsNode(.scalar(ScalarText.write(value), quoted: false))
    }

    fileprivate static func whole(_ value: some FixedWidthInteger) -> SettingsNode {
        SettingsNode(.scalar(String(value), quoted: false))
    }
}

/// The node being built. Containers that the encoded type holds at the same time write through to one box; used by one
/// encoding, on one task.
private final class Box {
    private var scalar: SettingsNode?
    private var entries: [(key: String, box: Box)]?
    private var elements: [Box]?
    /// Whether the keys are no property names but a dictionary's, whose order is another in every process.
    private var sortsKeys = false

    init(_ node: SettingsNode? = nil) { scalar = node }

    var node: SettingsNode {
        if let scalar { return scalar }
        if let elements { return SettingsNode(.list(elements.map(\.node))) }
        var entries = entries ?? []
        if sortsKeys { entries.sort { $0.key < $1.key } }
        return SettingsNode(
            .mapping(entries.map { SettingsNode.Entry(key: $0.key, source: .standard, value: $0.box.node) }))
    }

    var count: Int { elements?.count ?? 0 }

    func set(_ node: SettingsNode) { scalar = node }

    func makeMapping(sortingKeys: Bool) {
        if entries == nil { entries = [] }
        sortsKeys = sortsKeys || sortingKeys
    }

    func makeList() { if elements == nil { elements = [] } }

    func put(_ box: Box, _ key: String) {
        if let index = entries?.firstIndex(where: { $0.key == key }) {
            entries?[index].box = box
        } else {
            entries = (entries ?? []) + [(key, box)]
        }
    }

    func append(_ box: Box) { elements = (elements ?? []) + [box] }
}

private struct SettingsEncoder: Encoder {
    var box = Box()
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        // The keys of a type are a list; those of a dictionary are any text.
        box.makeMapping(sortingKeys: Key(stringValue: "") != nil)
        return KeyedEncodingContainer(KeyedBox(box: box))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        box.makeList()
        return ListedBox(box: box)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { SingleBox(box: box) }

    static func box(_ value: some Encodable) throws -> Box {
        let encoder = SettingsEncoder()
        try value.encode(to: encoder)
        return encoder.box
    }
}

private struct KeyedBox<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let box: Box
    var codingPath: [any CodingKey] { [] }

    private func put(_ node: SettingsNode, _ key: Key) { box.put(Box(node), key.stringValue) }

    private mutating func optional(_ value: (some Encodable)?, _ key: Key) throws {
        if let value { try encode(value, forKey: key) } else { put(.null, key) }
    }

    mutating func encodeNil(forKey key: Key) throws { put(.null, key) }
    mutating func encode(_ value: some Encodable, forKey key: Key) throws {
        box.put(try SettingsEncoder.box(value), key.stringValue)
    }
    mutating func encode(_ value: Bool, forKey key: Key) throws { put(.truth(value), key) }
    mutating func encode(_ value: String, forKey key: Key) throws { put(.text(value), key) }
    mutating func encode(_ value: Double, forKey key: Key) throws { put(.number(value), key) }
    mutating func encode(_ value: Float, forKey key: Key) throws { put(.number(value), key) }
    mutating func encode(_ value: Int, forKey key: Key) throws { put(.whole(value), key) }
    mutating func encode(_ value: Int8, forKey key: Key) throws { put(.whole(value), key) }
    mutating func encode(_ value: Int16, forKey key: Key) throws { put(.whole(value), key) }
    mutating func encode(_ value: Int32, forKey key: Key) throws { put(.whole(value), key) }
    mutating func encode(_ value: Int64, forKey key: Key) throws { put(.whole(value), key) }
    mutating func encode(_ value: UInt, forKey key: Key) throws { put(.whole(value), key) }
    mutating func encode(_ value: UInt8, forKey key: Key) throws { put(.whole(value), key) }
    mutating func encode(_ value: UInt16, forKey key: Key) throws { put(.whole(value), key) }
    mutating func encode(_ value: UInt32, forKey key: Key) throws { put(.whole(value), key) }
    mutating func encode(_ value: UInt64, forKey key: Key) throws { put(.whole(value), key) }

    mutating func encodeIfPresent(_ value: (some Encodable)?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: Bool?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: String?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: Double?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: Float?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: Int?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: Int8?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: Int16?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: Int32?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: Int64?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: UInt?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws { try optional(value, key) }
    mutating func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws { try optional(value, key) }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        let nested = SettingsEncoder()
        box.put(nested.box, key.stringValue)
        return nested.container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        let nested = SettingsEncoder()
        box.put(nested.box, key.stringValue)
        return nested.unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder { SettingsEncoder(box: box) }

    mutating func superEncoder(forKey key: Key) -> any Encoder {
        let nested = SettingsEncoder()
        box.put(nested.box, key.stringValue)
        return nested
    }
}

/// A container whose scalars go to one place; how they are written is the same for all.
private protocol ScalarContainer {
    func put(_ node: SettingsNode)
}

extension ScalarContainer {
    mutating func encodeNil() throws { put(.null) }
    mutating func encode(_ value: Bool) throws { put(.truth(value)) }
    mutating func encode(_ value: String) throws { put(.text(value)) }
    mutating func encode(_ value: Double) throws { put(.number(value)) }
    mutating func encode(_ value: Float) throws { put(.number(value)) }
    mutating func encode(_ value: Int) throws { put(.whole(value)) }
    mutating func encode(_ value: Int8) throws { put(.whole(value)) }
    mutating func encode(_ value: Int16) throws { put(.whole(value)) }
    mutating func encode(_ value: Int32) throws { put(.whole(value)) }
    mutating func encode(_ value: Int64) throws { put(.whole(value)) }
    mutating func encode(_ value: UInt) throws { put(.whole(value)) }
    mutating func encode(_ value: UInt8) throws { put(.whole(value)) }
    mutating func encode(_ value: UInt16) throws { put(.whole(value)) }
    mutating func encode(_ value: UInt32) throws { put(.whole(value)) }
    mutating func encode(_ value: UInt64) throws { put(.whole(value)) }
}

private struct ListedBox: UnkeyedEncodingContainer, ScalarContainer {
    let box: Box
    var codingPath: [any CodingKey] { [] }
    var count: Int { box.count }

    func put(_ node: SettingsNode) { box.append(Box(node)) }

    mutating func encode(_ value: some Encodable) throws { box.append(try SettingsEncoder.box(value)) }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        let nested = SettingsEncoder()
        box.append(nested.box)
        return nested.container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        let nested = SettingsEncoder()
        box.append(nested.box)
        return nested.unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder {
        let nested = SettingsEncoder()
        box.append(nested.box)
        return nested
    }
}

private struct SingleBox: SingleValueEncodingContainer, ScalarContainer {
    let box: Box
    var codingPath: [any CodingKey] { [] }

    func put(_ node: SettingsNode) { box.set(node) }

    mutating func encode(_ value: some Encodable) throws { try value.encode(to: SettingsEncoder(box: box)) }
}
