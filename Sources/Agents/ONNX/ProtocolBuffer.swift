/// A protocol buffer being written, field after field (protobuf.dev/programming-guides/encoding).
///
/// The only writer of the format: TensorBoard's events and ONNX's models need a handful of fields each.
package struct ProtocolBuffer: Sendable, Equatable {
    /// The fields so far, encoded.
    package private(set) var data: [UInt8] = []

    /// A message without fields.
    package init() {}

    /// Appends an integer that is not negative, or the number of an enumeration's case.
    package mutating func integer(_ field: UInt64, _ value: UInt64) {
        varint(field << 3)
        varint(value)
    }

    /// Appends a 64-bit floating-point number.
    package mutating func double(_ field: UInt64, _ value: Double) {
        varint(field << 3 | 1)
        data += value.bitPattern.littleEndianBytes
    }

    /// Appends a 32-bit floating-point number.
    package mutating func float(_ field: UInt64, _ value: Float) {
        varint(field << 3 | 5)
        data += value.bitPattern.littleEndianBytes
    }

    /// Appends bytes.
    package mutating func bytes(_ field: UInt64, _ value: [UInt8]) {
        varint(field << 3 | 2)
        varint(UInt64(value.count))
        data += value
    }

    /// Appends a text.
    package mutating func text(_ field: UInt64, _ value: String) {
        bytes(field, Array(value.utf8))
    }

    /// Appends a message.
    package mutating func message(_ field: UInt64, _ value: ProtocolBuffer) {
        bytes(field, value.data)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            data.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        data.append(UInt8(rest))
    }
}

extension FixedWidthInteger {
    /// The bytes of the number, the lowest first.
    package var littleEndianBytes: [UInt8] {
        withUnsafeBytes(of: littleEndian) { Array($0) }
    }
}
