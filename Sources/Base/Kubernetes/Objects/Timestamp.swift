import FoundationEssentials

/// A moment in seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Seconds since the epoch.
    public var seconds: Double

    /// The moment `seconds` after the epoch.
    public init(seconds: Double) {
        self.seconds = seconds
    }

    /// The system clock's present.
    public static var now: Timestamp { Timestamp(seconds: Date().timeIntervalSince1970) }

    /// Parses RFC 3339: date, "T", time, optional fraction of a second, then "Z" or an offset such as "+02:00".
    /// `nil` for anything else.
    public init?(parsing text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] | 0x20 == UInt8(ascii: "t"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7], 1...12),
            let day = Self.number(bytes[8..<10], 1...31), let hour = Self.number(bytes[11..<13], 0...23),
            let minute = Self.number(bytes[14..<16], 0...59), let second = Self.number(bytes[17..<19], 0...60)
        else { return nil }
        var index = 19
        var fraction = 0.0
        if bytes[index] == UInt8(ascii: ".") {
            var scale = 0.1
            index += 1
            let start = index
            while index < bytes.count, let digit = Self.number(bytes[index...index]) {
                fraction += Double(digit) * scale
                scale /= 10
                index += 1
            }
            guard index > start, index < bytes.count else { return nil }
        }
        var offset = 0
        if bytes[index] | 0x20 == UInt8(ascii: "z") {
            guard index + 1 == bytes.count else { return nil }
        } else {
            guard index + 6 == bytes.count, bytes[index + 3] == UInt8(ascii: ":"),
                bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-"),
                let hours = Self.number(bytes[(index + 1)..<(index + 3)], 0...23),
                let minutes = Self.number(bytes[(index + 4)..<(index + 6)], 0...59)
            else { return nil }
            offset = (hours * 60 + minutes) * (bytes[index] == UInt8(ascii: "-") ? -60 : 60)
        }
        let days = Self.daysSinceEpoch(year: year, month: month, day: day)
        seconds = Double(days * 86_400 + hour * 3_600 + minute * 60 + second - offset) + fraction
    }

    /// Whether `lhs` is the earlier moment.
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.seconds < rhs.seconds }

    /// Days of the proleptic Gregorian calendar since 1970-01-01 (Hinnant, "chrono-compatible low-level date
    /// algorithms", days_from_civil). The year starts in March, so that a leap day comes last.
    private static func daysSinceEpoch(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func number(_ digits: ArraySlice<UInt8>, _ range: ClosedRange<Int> = 0...9_999) -> Int? {
        var value = 0
        for byte in digits {
            guard byte &- UInt8(ascii: "0") < 10 else { return nil }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return range.contains(value) ? value : nil
    }
}
