/// What a node did over one window: 20 s by default. Each value says when, over how long and by what it was measured;
/// what was not measured is missing, never zero.
public struct NodeWindow: Sendable, Equatable {
    /// What is measured of a node.
    public enum Field: String, Sendable, Hashable, CaseIterable, Codable {
        /// CPU in use by everything on the node, in cores.
        case cpu
        /// Memory in use that cannot be dropped at once, in bytes.
        case memory
        /// Memory traffic in bytes/s.
        case memoryBandwidth
        /// Last-level cache misses / references, 0 to 1.
        case cacheMissRatio
        /// Instructions retired per unhalted cycle.
        case instructionsPerCycle
        /// Share of the time in which some task waited for a CPU, 0 to 1.
        case cpuPressure
        /// Share of the time in which some task waited for memory, 0 to 1.
        case memoryPressure
        /// Share of the time in which some task waited for a disk, 0 to 1.
        case ioPressure
        /// Power of the processor packages in watts.
        case packagePower
        /// Power of the memory modules in watts.
        case memoryPower

        /// The unit's name.
        public var unit: String {
            switch self {
            case .cpu: "cores"
            case .memory: "bytes"
            case .memoryBandwidth: "bytes per second"
            case .cacheMissRatio, .cpuPressure, .memoryPressure, .ioPressure: "ratio"
            case .instructionsPerCycle: "instructions per cycle"
            case .packagePower, .memoryPower: "watts"
            }
        }
    }

    /// The node's name.
    public var node: String
    /// The moment that the window was put together, in seconds since 1970: ages are counted from here.
    public var end: Double
    /// The values that were measured.
    public var values: [Field: Measured] = [:]

    /// A window of which nothing was measured.
    public init(node: String, end: Double) {
        self.node = node
        self.end = end
    }

    /// A field's value; `nil` where it is missing.
    public subscript(field: Field) -> Measured? { values[field] }

    /// CPU in use in cores.
    public var cpu: Measured? { values[.cpu] }
    /// Memory in use in bytes.
    public var memory: Measured? { values[.memory] }
    /// Memory traffic in bytes/s.
    public var memoryBandwidth: Measured? { values[.memoryBandwidth] }
    /// Last-level cache misses / references.
    public var cacheMissRatio: Measured? { values[.cacheMissRatio] }
    /// Instructions retired per unhalted cycle.
    public var instructionsPerCycle: Measured? { values[.instructionsPerCycle] }
    /// The fields that were not measured, in order.
    public var missing: [Field] { Field.allCases.filter { values[$0] == nil } }
}
