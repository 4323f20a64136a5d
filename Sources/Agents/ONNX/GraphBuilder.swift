import Gym
import LinearAlgebra
import NeuralNetworks
import Randomness

/// An ONNX graph in the making: inputs, constants, then nodes in the order in which they run, then outputs.
///
/// Field numbers are those of onnx/onnx.proto. Values are named, each name once; what adds a value returns its name.
struct GraphBuilder {
    /// Version of the format (`ModelProto.ir_version`): the one of ONNX 1.12, which brought the operators below.
    static let formatVersion: UInt64 = 8
    /// Version of the operators: 17, that every ONNX runtime since 2022 has.
    static let operatorVersion: UInt64 = 17

    private enum DataType: UInt64 {
        case float = 1
        case int64 = 7
    }

    private(set) var inputs: [ModelTensor] = []
    private(set) var outputs: [ModelTensor] = []
    /// `GraphProto`, whose fields may come in any order as long as the nodes among themselves are in theirs.
    private var graph = ProtocolBuffer()

    init(name: String) { graph.text(2, name) }

    // MARK: Inputs and outputs

    mutating func addInput(_ tensor: ModelTensor) -> String {
        inputs.append(tensor)
        graph.message(11, Self.valueInfo(tensor))
        return tensor.name
    }

    /// Declares an output that a node has given or will give.
    mutating func addOutput(_ tensor: ModelTensor) {
        outputs.append(tensor)
        graph.message(12, Self.valueInfo(tensor))
    }

    private static func valueInfo(_ tensor: ModelTensor) -> ProtocolBuffer {
        var shape = ProtocolBuffer()
        for size in tensor.shape {
            var dimension = ProtocolBuffer()
            switch size {
            case .fixed(let value): dimension.integer(1, UInt64(value))
            case .free(let name): dimension.text(2, name)
            }
            shape.message(1, dimension)
        }
        var tensorType = ProtocolBuffer()
        tensorType.integer(1, DataType.float.rawValue)
        tensorType.message(2, shape)
        var type = ProtocolBuffer()
        type.message(1, tensorType)
        var info = ProtocolBuffer()
        info.text(1, tensor.name)
        info.message(2, type)
        info.text(3, tensor.meaning)
        return info
    }

    // MARK: Constants

    /// Adds a constant of numbers, row-major. Without dimensions it is a scalar.
    mutating func addConstant(_ name: String, _ values: [Float], shape: [Int]) -> String {
        addConstant(name, .float, bytes: values.flatMap { $0.bitPattern.littleEndianBytes }, shape: shape)
    }

    /// Adds a list of integers, such as axes.
    mutating func addConstant(_ name: String, integers: [Int64]) -> String {
        addConstant(name, .int64, bytes: integers.flatMap { $0.littleEndianBytes }, shape: [integers.count])
    }

    private mutating func addConstant(_ name: String, _ type: DataType, bytes: [UInt8], shape: [Int]) -> String {
        var tensor = ProtocolBuffer()
        for size in shape { tensor.integer(1, UInt64(size)) }
        tensor.integer(2, type.rawValue)
        tensor.text(8, name)
        tensor.bytes(9, bytes)
        graph.message(5, tensor)
        return name
    }

    // MARK: Nodes

    /// Adds a node with one output, and gives that output's name.
    /// - Parameters:
    ///   - operation: name of the operator.
    ///   - output: the name that its output gets.
    ///   - axis: the operator's attribute `axis`, where it has one.
    mutating func addNode(_ operation: String, _ inputs: [String], output: String, axis: UInt64? = nil) -> String {
        var node = ProtocolBuffer()
        for input in inputs { node.text(1, input) }
        node.text(2, output)
        node.text(3, "\(output)/\(operation)")
        node.text(4, operation)
        if let axis {
            var attribute = ProtocolBuffer()
            attribute.text(1, "axis")
            attribute.integer(3, axis)
            attribute.integer(20, 2)  // AttributeType.INT
            node.message(5, attribute)
        }
        graph.message(1, node)
        return output
    }

    /// What `ObservationNormalizer` does to rows, step by step in the same order so that the same numbers come out.
    mutating func addNormalizer(_ normalizer: ObservationNormalizer?, of input: String) -> String {
        // One that has seen no rows leaves them as they are.
        guard let normalizer, normalizer.statistics.count > 0 else { return input }
        let statistics = normalizer.statistics
        let width = statistics.width
        let scales = (0..<width).map { normalizer.scale($0) }
        let mean = addConstant("\(input).mean", statistics.mean.map { Float($0) }, shape: [width])
        let scale = addConstant("\(input).scale", scales, shape: [width])
        let least = addConstant("\(input).least", [-normalizer.clip], shape: [])
        let greatest = addConstant("\(input).greatest", [normalizer.clip], shape: [])
        let centered = addNode("Sub", [input, mean], output: "\(input).centered")
        let scaled = addNode("Mul", [centered, scale], output: "\(input).scaled")
        return addNode("Clip", [scaled, least, greatest], output: "\(input).normalized")
    }

    /// Rows times a matrix of inputs × outputs.
    mutating func addProduct(_ input: String, _ weight: Matrix, name: String) -> String {
        let constant = addConstant("\(name).weight", weight.values, shape: [weight.rows, weight.columns])
        return addNode("MatMul", [input, constant], output: "\(name).product")
    }

    /// Adds a bias to each row.
    mutating func addBias(_ input: String, _ bias: [Float], name: String, output: String) -> String {
        let constant = addConstant("\(name).bias", bias, shape: [bias.count])
        return addNode("Add", [input, constant], output: output)
    }

    mutating func addActivation(_ activation: Activation, _ input: String, name: String) -> String {
        switch activation {
        case .tanh: addNode("Tanh", [input], output: "\(name).output")
        case .relu: addNode("Relu", [input], output: "\(name).output")
        case .identity: input
        }
    }

    /// Dense layers one after the other; the last has no activation, and its sums are named `output`.
    mutating func addLayers(_ layers: [DenseLayer], hidden: Activation, input: String, output: String) -> String {
        var value = input
        for (index, layer) in layers.enumerated() {
            let isLast = index == layers.count - 1
            value = addProduct(value, layer.weight, name: layer.name)
            value = addBias(value, layer.bias, name: layer.name, output: isLast ? output : "\(layer.name).sum")
            if !isLast { value = addActivation(hidden, value, name: layer.name) }
        }
        return value
    }

    /// The single column of rows as a list.
    mutating func addColumn(_ input: String, output: String) -> String {
        let axes = addConstant("\(output).axes", integers: [1])
        return addNode("Squeeze", [input, axes], output: output)
    }

    // MARK: The model

    /// The whole file: a `ModelProto`.
    /// - Parameter metadata: names and values, each name once.
    func model(version: String, metadata: [(name: String, value: String)]) -> [UInt8] {
        var operators = ProtocolBuffer()
        operators.text(1, "")  // ONNX's own
        operators.integer(2, Self.operatorVersion)
        var model = ProtocolBuffer()
        model.integer(1, Self.formatVersion)
        model.text(2, "berth")
        model.text(3, version)
        model.message(7, graph)
        model.message(8, operators)
        for (name, value) in metadata {
            var entry = ProtocolBuffer()
            entry.text(1, name)
            entry.text(2, value)
            model.message(14, entry)
        }
        return model.data
    }
}
