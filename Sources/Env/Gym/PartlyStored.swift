/// A stored environment of which some parts are not stored, since every run makes them again from its configuration.
public protocol PartlyStored {
    /// Takes what is not stored from an environment that a run of the same configuration has made.
    mutating func takeUnstored(from other: Self)
}
