import ONNX
import Testing

/// Against the examples of protobuf.dev/programming-guides/encoding.
@Suite struct ProtocolBufferTests {
    @Test func fieldsAreEncodedAsDocumented() {
        var buffer = ProtocolBuffer()
        buffer.integer(1, 150)
        #expect(buffer.data == [0x08, 0x96, 0x01])
        var text = ProtocolBuffer()
        text.text(2, "testing")
        #expect(text.data == [0x12, 0x07] + Array("testing".utf8))
        var outer = ProtocolBuffer()
        outer.message(3, buffer)
        #expect(outer.data == [0x1A, 0x03, 0x08, 0x96, 0x01])
        var numbers = ProtocolBuffer()
        numbers.float(1, 1)
        numbers.double(2, -2)
        #expect(numbers.data == [0x0D, 0, 0, 0x80, 0x3F] + [0x11, 0, 0, 0, 0, 0, 0, 0, 0xC0])
    }

    @Test func longFieldsAndNumbersTakeSeveralBytes() {
        var buffer = ProtocolBuffer()
        buffer.integer(20, .max)
        #expect(buffer.data == [0xA0, 0x01] + [UInt8](repeating: 0xFF, count: 9) + [0x01])
        var long = ProtocolBuffer()
        long.bytes(1, [UInt8](repeating: 7, count: 300))
        #expect(long.data.starts(with: [0x0A, 0xAC, 0x02, 7]))
        #expect(long.data.count == 303)
    }
}
