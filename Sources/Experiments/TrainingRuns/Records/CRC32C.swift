/// Castagnoli's cyclic redundancy check (RFC 3720, reflected polynomial 82F63B78), as TensorFlow's records use it.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { byte in
        var remainder = UInt32(byte)
        for _ in 0..<8 { remainder = (remainder >> 1) ^ (remainder & 1 == 1 ? 0x82F6_3B78 : 0) }
        return remainder
    }

    /// The check of `bytes`.
    static func value(_ bytes: [UInt8]) -> UInt32 {
        var remainder: UInt32 = 0xFFFF_FFFF
        for byte in bytes { remainder = (remainder >> 8) ^ table[Int((remainder ^ UInt32(byte)) & 0xFF)] }
        return ~remainder
    }

    /// The check, rotated and offset so that data which holds its own check is not degenerate (TensorFlow,
    /// tensorflow/core/lib/hash/crc32c.h).
    static func masked(_ bytes: [UInt8]) -> UInt32 {
        let value = value(bytes)
        return ((value >> 15) | (value << 17)) &+ 0xA282_EAD8
    }
}
