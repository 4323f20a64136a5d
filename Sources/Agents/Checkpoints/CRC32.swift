/// The cyclic redundancy check of zlib and PNG (ISO 3309, reflected polynomial EDB88320), eight bytes at a time
/// (Kounavis and Berry, "Novel table lookup-based algorithms for high-performance CRC generation", 2008).
///
/// It finds every change of up to 32 neighbouring bits, and any other change but one in 2^32.
struct CRC32 {
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var remainder = UInt32(byte)
            for _ in 0..<8 { remainder = (remainder >> 1) ^ (remainder & 1 == 1 ? 0xEDB8_8320 : 0) }
            tables[byte] = remainder
        }
        for slice in 1..<8 {
            for byte in 0..<256 {
                let previous = tables[(slice - 1) * 256 + byte]
                tables[slice * 256 + byte] = (previous >> 8) ^ tables[Int(previous & 0xFF)]
            }
        }
        return tables
    }()

    private var remainder: UInt32 = 0xFFFF_FFFF

    /// The check of the bytes added so far.
    var value: UInt32 { ~remainder }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let tables = Self.tables
        var crc = remainder
        var offset = 0
        while offset + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian ^ UInt64(crc)
            crc = 0
            for slice in 0..<8 {
                crc ^= tables[(7 - slice) * 256 + Int((word >> (8 * UInt64(slice))) & 0xFF)]
            }
            offset += 8
        }
        while offset < bytes.count {
            crc = (crc >> 8) ^ tables[Int((crc ^ UInt32(bytes[offset])) & 0xFF)]
            offset += 1
        }
        remainder = crc
    }
}
