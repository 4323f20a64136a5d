public import Workloads

/// One condition that a service is measured under.
public struct CalibrationPoint: Sendable, Hashable, Codable {
    /// Replicas of the service on the node.
    public var replicas: Int
    /// Requests per second, all replicas together.
    public var rate: Double
    /// What runs beside them; `nil` for nothing.
    public var source: StressSource?
    /// The interference's level; 0 for none.
    public var level: Double

    /// A condition.
    public init(replicas: Int, rate: Double, source: StressSource? = nil, level: Double = 0) {
        (self.replicas, self.rate, self.source, self.level) = (replicas, rate, source, level)
    }

    /// As tables name it, such as "1 x 30/s beside cpu 0.5".
    public var name: String {
        let load = "\(replicas) x \(Self.short(rate))/s"
        return source.map { "\(load) beside \($0.rawValue) \(Self.short(level))" } ?? "\(load) alone"
    }

    private static func short(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(value)"
    }
}
