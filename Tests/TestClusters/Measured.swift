public import Windows

extension Measured {
    /// A value that was measured over 20 s, `age` seconds before `now`.
    public init(_ value: Double, age: Double = 0, now: Double = 0) {
        self.init(value, at: now - age, over: 20, by: .cadvisor)
    }
}
