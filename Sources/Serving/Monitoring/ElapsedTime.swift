extension ContinuousClock.Instant {
    /// Nanoseconds from this instant to the present, as timers record them.
    public var elapsedNanoseconds: Int64 {
        let (seconds, attoseconds) = duration(to: .now).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
