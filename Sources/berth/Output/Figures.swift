import Foundation

/// Numbers as people read them.
enum Figures {
    /// `1234567` as `1,234,567`.
    static func grouped(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var text = value < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return text
    }

    /// Seconds as `1:02:03` or `2:03`.
    static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds < 1e9 else { return "?" }
        let whole = Int(seconds.rounded())
        let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
        return hours > 0
            ? String(format: "%d:%02d:%02d", hours, minutes, rest) : String(format: "%d:%02d", minutes, rest)
    }

    /// A share as `12.3 %`.
    static func percent(_ share: Double) -> String { String(format: "%.1f %%", 100 * share) }

    /// A fixed number of digits after the point.
    static func decimals(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

    /// Four significant digits.
    static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}
