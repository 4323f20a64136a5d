/// An amount of a resource as Kubernetes writes it: "500m" of a core, "1.5Gi" of memory, "1e3".
///
/// Exact to a billionth (the API's own resolution): finer values are rounded away from zero and values beyond
/// 2^63 - 1 are capped, both as in k8s.io/apimachinery/pkg/api/resource. Decimal suffixes n, u, m, k, M, G, T, P, E;
/// binary suffixes Ki, Mi, Gi, Ti, Pi, Ei; or a decimal exponent.
public struct ResourceQuantity: Sendable, Hashable, Comparable {
    /// The amount in billionths of the resource's unit (core, byte, piece).
    public let nanounits: Int128

    /// Nothing of the resource: known to be zero, unlike an absent quantity.
    public static let zero = ResourceQuantity(nanounits: 0)

    static let limit = Int128(Int64.max) * 1_000_000_000

    /// An amount of `nanounits` billionths of a unit.
    public init(nanounits: Int128) {
        self.nanounits = nanounits
    }

    /// A whole number of units.
    public init(_ units: Int64) {
        nanounits = Int128(units) * 1_000_000_000
    }

    /// Parses the API's notation.
    /// - Throws: `QuantityError` for text that is not a quantity; nothing is ever taken for zero.
    public init(parsing text: String) throws {
        var text = text
        let parsed: Int128? = text.withUTF8 { Self.parse($0) }
        guard let parsed else { throw QuantityError(text: text) }
        nanounits = parsed
    }

    /// The amount as a double: cores for CPU, bytes for memory, pieces for pods.
    public var value: Double { Double(nanounits) / 1e9 }

    /// The amount in whole units, rounded up.
    public var roundedUp: Int64 {
        let (quotient, remainder) = nanounits.quotientAndRemainder(dividingBy: 1_000_000_000)
        return Int64(clamping: quotient + (remainder > 0 ? 1 : 0))
    }

    /// The amount in thousandths, rounded up: millicores, as the scheduler counts CPU.
    public var milli: Int64 {
        let (quotient, remainder) = nanounits.quotientAndRemainder(dividingBy: 1_000_000)
        return Int64(clamping: quotient + (remainder > 0 ? 1 : 0))
    }

    /// The amount as the API writes it, exactly: in units, or in thousandths ("m"), millionths ("u") or billionths
    /// ("n") where a larger unit would need a fraction.
    public var text: String {
        for (size, suffix) in [(1_000_000_000, ""), (1_000_000, "m"), (1_000, "u")] as [(Int128, String)]
        where nanounits % size == 0 {
            return "\(nanounits / size)\(suffix)"
        }
        return "\(nanounits)n"
    }

    /// Whether `lhs` is the smaller amount.
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.nanounits < rhs.nanounits }

    /// The sum, capped at 2^63 - 1 units.
    public static func + (lhs: Self, rhs: Self) -> Self {
        Self(nanounits: min(lhs.nanounits + rhs.nanounits, limit))
    }
}

extension ResourceQuantity {
    private static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Int128? {
        var index = 0
        var negative = false
        if let first = text.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
            negative = first == UInt8(ascii: "-")
            index = 1
        }
        // Digits as they stand, and the power of ten that their decimal point takes away. Digits past 28 significant
        // ones cannot change a value within the cap by a billionth, but whether any is not zero decides the rounding.
        var digits: Int128 = 0
        var scale = 0
        var seen = 0
        var lost = false
        var point = false
        while index < text.count {
            let byte = text[index]
            if byte == UInt8(ascii: "."), !point {
                point = true
            } else if byte &- UInt8(ascii: "0") < 10 {
                seen += 1
                let digit = Int128(byte - UInt8(ascii: "0"))
                if digits < 1_000_000_000_000_000_000_000_000_000 {
                    digits = digits * 10 + digit
                    if point { scale -= 1 }
                } else {
                    lost = lost || digit != 0
                    if !point { scale += 1 }
                }
            } else {
                break
            }
            index += 1
        }
        guard seen > 0, let suffix = Suffix(UnsafeBufferPointer(rebasing: text[index...])) else { return nil }
        let magnitude = suffix.apply(digits: digits, scale: scale, lost: lost)
        return negative ? -magnitude : magnitude
    }

    /// What follows the digits: a power of ten or of 1,024.
    private enum Suffix {
        case decimal(Int)
        case binary(Int)

        init?(_ text: UnsafeBufferPointer<UInt8>) {
            switch String(decoding: text, as: UTF8.self) {
            case "": self = .decimal(0)
            case "n": self = .decimal(-9)
            case "u": self = .decimal(-6)
            case "m": self = .decimal(-3)
            case "k": self = .decimal(3)
            case "M": self = .decimal(6)
            case "G": self = .decimal(9)
            case "T": self = .decimal(12)
            case "P": self = .decimal(15)
            case "E": self = .decimal(18)
            case "Ki": self = .binary(10)
            case "Mi": self = .binary(20)
            case "Gi": self = .binary(30)
            case "Ti": self = .binary(40)
            case "Pi": self = .binary(50)
            case "Ei": self = .binary(60)
            default:
                guard let first = text.first, first | 0x20 == UInt8(ascii: "e"), text.count > 1, text.count < 12,
                    let exponent = Int(String(decoding: text.dropFirst(), as: UTF8.self))
                else { return nil }
                self = .decimal(exponent)
            }
        }

        /// The value in billionths, rounded up and capped.
        func apply(digits: Int128, scale: Int, lost: Bool) -> Int128 {
            guard digits != 0 || lost else { return 0 }
            var numerator = digits
            var exponent = scale + 9
            var inexact = lost
            switch self {
            case .decimal(let power): exponent += power
            case .binary(let bits):
                // Where the product would overflow, the value is beyond the cap unless a decimal point takes it back:
                // then digits far below a billionth give way.
                var remaining = bits
                while remaining > 0 {
                    let step = min(remaining, 10)
                    let (product, overflow) = numerator.multipliedReportingOverflow(by: 1 << Int128(step))
                    if overflow {
                        guard exponent < 0 else { return ResourceQuantity.limit }
                        inexact = inexact || numerator % 10 != 0
                        numerator /= 10
                        exponent += 1
                        continue
                    }
                    numerator = product
                    remaining -= step
                }
            }
            while exponent > 0 {
                let (product, overflow) = numerator.multipliedReportingOverflow(by: 10)
                if overflow || product > ResourceQuantity.limit { return ResourceQuantity.limit }
                numerator = product
                exponent -= 1
            }
            while exponent < 0, numerator != 0 {
                let (quotient, remainder) = numerator.quotientAndRemainder(dividingBy: 10)
                inexact = inexact || remainder != 0
                numerator = quotient
                exponent += 1
            }
            return min(numerator + (inexact ? 1 : 0), ResourceQuantity.limit)
        }
    }
}

/// Text that is not a resource quantity.
public struct QuantityError: Error, Hashable, CustomStringConvertible {
    /// The text that was given.
    public let text: String

    /// An error about `text`.
    public init(text: String) {
        self.text = text
    }

    /// What was expected.
    public var description: String {
        "\"\(text)\" is not a resource quantity: expected a number with an optional suffix "
            + "(n u m k M G T P E Ki Mi Gi Ti Pi Ei) or exponent, such as 500m or 1.5Gi"
    }
}
