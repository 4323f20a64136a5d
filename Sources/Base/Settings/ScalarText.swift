/// Reads plain YAML scalars by the core schema of YAML 1.2, plus `_` between digits.
enum ScalarText {
    static func truth(_ text: String) -> Bool? {
        switch text {
        case "true", "True", "TRUE": true
        case "false", "False", "FALSE": false
        default: nil
        }
    }

    /// The integer in decimal, `0x` or `0o` form; `nil` when the text is none or does not fit `Value`.
    static func integer<Value: FixedWidthInteger>(_ text: String) -> Value? {
        guard isInteger(text) else { return nil }
        let digits = text.replacing("_", with: "")
        if digits.hasPrefix("0x") { return Value(digits.dropFirst(2), radix: 16) }
        if digits.hasPrefix("0o") { return Value(digits.dropFirst(2), radix: 8) }
        return Value(digits)
    }

    static func isInteger(_ text: String) -> Bool {
        text.wholeMatch(of: /[-+]?[0-9](_?[0-9])*|0x[0-9a-fA-F]+|0o[0-7]+/) != nil
    }

    /// A decimal number, `.inf` or `.nan`, in any of their YAML spellings.
    static func floating<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ text: String) -> Value? {
        switch text.lowercased() {
        case ".inf", "+.inf": return .infinity
        case "-.inf": return -.infinity
        case ".nan": return .nan
        default: break
        }
        guard text.wholeMatch(of: /[-+]?([0-9](_?[0-9])*(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?/) != nil else {
            return nil
        }
        return Value(text.replacing("_", with: ""))
    }

    static func isNumber(_ text: String) -> Bool {
        let value: Double? = floating(text)
        return value != nil || isInteger(text)
    }

    /// The shortest text that reads back as `value`, in a form that YAML 1.1 readers also take for a number.
    static func write<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ value: Value) -> String {
        if value.isNaN { return ".nan" }
        if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
        let text = value.description
        guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return "\(text[..<exponent]).0\(text[exponent...])"
    }

    /// Whether plain `text` would be read as that text by any YAML reader.
    static func isSafePlain(_ text: String) -> Bool {
        let reserved = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"]
        return text.wholeMatch(of: /[A-Za-z_\/]([A-Za-z0-9_.\/ -]*[A-Za-z0-9_.\/-])?/) != nil
            && !reserved.contains(text.lowercased())
    }
}
