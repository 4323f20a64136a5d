/// An input or output of a model: 32-bit floating-point numbers, row-major.
public struct ModelTensor: Sendable, Equatable, CustomStringConvertible {
    /// The size of a tensor in one direction.
    public enum Dimension: Sendable, Equatable, CustomStringConvertible {
        /// The same in every call.
        case fixed(Int)
        /// Chosen by the caller; where a model repeats the name, the sizes have to be equal.
        case free(String)

        /// The size or its name.
        public var description: String {
            switch self {
            case .fixed(let size): "\(size)"
            case .free(let name): name
            }
        }
    }

    /// Name in the model.
    public let name: String
    /// Its dimensions, outermost first.
    public let shape: [Dimension]
    /// What the numbers mean, in one line.
    public let meaning: String

    /// A tensor of a model.
    public init(_ name: String, _ shape: [Dimension], meaning: String) {
        (self.name, self.shape, self.meaning) = (name, shape, meaning)
    }

    /// Name, type and shape, as in `observation float32 [batch, 4]`.
    public var description: String {
        "\(name) float32 [\(shape.map(\.description).joined(separator: ", "))]"
    }
}
