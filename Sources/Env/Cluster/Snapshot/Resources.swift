/// An amount of CPU and memory.
@frozen
public struct Resources: Sendable, Hashable, Codable {
    /// Cores.
    public var cpu: Double
    /// Bytes.
    public var memory: Double

    /// An amount of `cpu` cores and `memory` bytes.
    @inlinable
    public init(cpu: Double = 0, memory: Double = 0) {
        self.cpu = cpu
        self.memory = memory
    }

    /// True when this amount is no larger than `other` in both, but for rounding of a billionth.
    @inlinable
    public func fits(in other: Resources) -> Bool {
        cpu <= other.cpu + 1e-9 * max(1, other.cpu) && memory <= other.memory + 1e-9 * max(1, other.memory)
    }

    /// Sum of each.
    @inlinable public static func + (a: Resources, b: Resources) -> Resources {
        Resources(cpu: a.cpu + b.cpu, memory: a.memory + b.memory)
    }
    /// Difference of each; may be negative.
    @inlinable public static func - (a: Resources, b: Resources) -> Resources {
        Resources(cpu: a.cpu - b.cpu, memory: a.memory - b.memory)
    }
    /// Adds to each.
    @inlinable public static func += (a: inout Resources, b: Resources) { a = a + b }
    /// Subtracts from each.
    @inlinable public static func -= (a: inout Resources, b: Resources) { a = a - b }
}
