/// Tells contents apart, and protects nothing: FNV-1a of 64 bits (Fowler, Noll and Vo).
public struct Fingerprint: Sendable {
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    /// A fingerprint of nothing.
    public init() {}

    /// Takes the eight bytes of a word in.
    public mutating func add(_ word: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            hash = (hash ^ (word >> shift & 255)) &* 0x100_0000_01b3
        }
    }

    /// Sixteen hexadecimal digits.
    public var text: String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
