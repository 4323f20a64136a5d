/// A struct that can be written as a mapping in a configuration file.
///
/// Every stored property has a default, which `init()` gives; the coding is the compiler's. A key that is missing from
/// the file takes the value it has in the enclosing value's default, or else in `init()`. An unknown key, a value of
/// another type and a value that `validate()` refuses are errors that name file, line and key path.
///
/// Members may be `Bool`, integers, `Float`, `Double`, `String`, enums with raw values, `ConfigurableChoice`s, other
/// `Configurable`s, and optionals, arrays and `[String: …]` dictionaries of those. An array or a dictionary in the file
/// replaces the default one; each of its elements is completed from its own type's `init()`.
public protocol Configurable: Codable, Sendable {
    /// The default of every setting.
    init()

    /// Refuses values that have the right type but make no sense. Called after decoding, for nested values first.
    /// - Throws: `SettingsError` whose `key` is relative to this value; `require` makes one.
    func validate() throws(SettingsError)

    /// Names of the keys that may hold `.inf` or `-.inf`; none by default. NaN is refused everywhere.
    static var keysAllowingInfinity: Set<String> { get }
}

extension Configurable {
    /// Accepts everything.
    public func validate() throws(SettingsError) {}

    /// No key may be infinite.
    public static var keysAllowingInfinity: Set<String> { [] }

    /// Refuses a value outside `range`, as in `try require("gamma", gamma, in: 0...1)`. NaN is in no range.
    /// - Parameters:
    ///   - key: name of the key, relative to this value.
    ///   - value: the value to check.
    ///   - range: any range, one-sided ones too.
    public func require<Range: RangeExpression>(
        _ key: String, _ value: Range.Bound, in range: Range
    ) throws(SettingsError) {
        guard !range.contains(value) else { return }
        throw SettingsError(key: key, problem: "must be \(describe(range)), found \(value)")
    }

    /// Refuses an optional value outside `range`; an absent one passes.
    public func require<Range: RangeExpression>(
        _ key: String, _ value: Range.Bound?, in range: Range
    ) throws(SettingsError) {
        if let value { try require(key, value, in: range) }
    }

    /// Refuses any element outside `range`; the error names the element.
    public func require<Range: RangeExpression>(
        _ key: String, each values: [Range.Bound], in range: Range
    ) throws(SettingsError) {
        for (index, value) in values.enumerated() { try require("\(key)[\(index)]", value, in: range) }
    }

    /// Refuses a value that is not greater than `bound`.
    public func require<Value: Comparable>(_ key: String, _ value: Value, above bound: Value) throws(SettingsError) {
        guard !(value > bound) else { return }
        throw SettingsError(key: key, problem: "must be greater than \(bound), found \(value)")
    }

    /// Refuses an empty list, dictionary or text.
    public func require(_ key: String, notEmpty value: some Collection) throws(SettingsError) {
        guard value.isEmpty else { return }
        throw SettingsError(key: key, problem: "must not be empty")
    }

    /// Refuses unless `condition` holds.
    /// - Parameter expectation: continues "must", as in `"be at least minimumReplicas"`.
    public func require(
        _ key: String, _ condition: Bool, must expectation: @autoclosure () -> String
    ) throws(SettingsError) {
        guard !condition else { return }
        throw SettingsError(key: key, problem: "must \(expectation())")
    }
}

private func describe<Range: RangeExpression>(_ range: Range) -> String {
    switch range {
    case let range as ClosedRange<Range.Bound>: "from \(range.lowerBound) to \(range.upperBound)"
    case let range as Swift.Range<Range.Bound>: "at least \(range.lowerBound) and less than \(range.upperBound)"
    case let range as PartialRangeFrom<Range.Bound>: "\(range.lowerBound) or more"
    case let range as PartialRangeThrough<Range.Bound>: "\(range.upperBound) or less"
    case let range as PartialRangeUpTo<Range.Bound>: "less than \(range.upperBound)"
    default: "in \(range)"
    }
}
