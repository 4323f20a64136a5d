/// Names and shapes of the parts of one flat parameter buffer.
///
/// All parameters of a network, and likewise their gradients and Adam's moments, lie in one array each, so that the
/// optimiser, clipping by norm, averaging and storing are one pass.
public struct ParameterLayout: Sendable, Equatable, Codable {
    /// One named part.
    public struct Entry: Sendable, Equatable, Codable {
        /// Unique name, such as `actor.0.weight`.
        public let name: String
        /// Sizes, row-major: (inputs, outputs) for weights, (outputs) for biases.
        public let shape: [Int]
        /// First element.
        public let offset: Int

        /// Number of elements.
        public var count: Int { shape.reduce(1, *) }
        /// Where the part lies in the buffer.
        public var range: Range<Int> { offset..<offset + count }
    }

    /// The parts in the order in which they lie in the buffer.
    public private(set) var entries: [Entry] = []
    /// Length of the buffer.
    public private(set) var count = 0

    /// A layout without parts.
    public init() {}

    /// Adds a part at the end and returns its range.
    public mutating func add(_ name: String, shape: [Int]) -> Range<Int> {
        precondition(!entries.contains { $0.name == name }, "two parts of one name")
        let entry = Entry(name: name, shape: shape, offset: count)
        entries.append(entry)
        count += entry.count
        return entry.range
    }

    /// The part of that name.
    public subscript(name: String) -> Entry? { entries.first { $0.name == name } }
}
