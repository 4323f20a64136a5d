public import Settings

extension Configurable {
    /// Refuses a range that is not inside `allowed`.
    public func require<Allowed: RangeExpression>(
        _ key: String, _ range: ValueRange, in allowed: Allowed
    ) throws(SettingsError) where Allowed.Bound == Double {
        try require("\(key)[0]", range.lower, in: allowed)
        try require("\(key)[1]", range.upper, in: allowed)
    }

    /// Refuses a range with a value that is not greater than `bound`.
    public func require(_ key: String, _ range: ValueRange, above bound: Double) throws(SettingsError) {
        try require("\(key)[0]", range.lower, above: bound)
    }
}
