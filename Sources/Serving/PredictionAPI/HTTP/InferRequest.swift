import JSON
import Prediction
import Responses

/// The body of `POST /v2/models/NAME/infer` (Open Inference Protocol v2): a tensor `features` of rows × features, and
/// perhaps one `objective` of as many rows. Their data may be flat or nested, row after row; `null` is a missing value.
public struct InferRequest: Sendable, Equatable {
    /// What can be asked for as an output.
    public enum Output: String, Sendable, CaseIterable {
        /// 99th percentile of the latency in seconds.
        case p99
        /// p99 / objective.
        case risk
        /// Fitness, 0 to 1.
        case score
        /// What each feature adds to ln p99, and last what there is without any.
        case contributions
    }

    /// The request's name for itself; `nil` where it has none.
    public private(set) var id: String?
    /// The features, NaN where missing.
    public private(set) var rows: [Float] = []
    /// Objectives of the rows in seconds; `nil` where none were given.
    public private(set) var objectives: [Double]?
    /// What is wanted, in order: all but contributions, unless the request says.
    public private(set) var outputs: [Output] = [.p99, .risk, .score]

    /// Decodes a body.
    /// - Throws: `JSONError` for malformed text, `RequestError` for what is no such request.
    public init(parsing body: UnsafeRawBufferPointer, maximumRows: Int) throws {
        var tensors: [Tensor] = []
        try JSONReader.reading(buffer: body) { reader in
            try readObject(reader, "the body") { reader, key in
                switch key {
                case "id": id = try reading("id") { try reader.readStringIfPresent() }
                case "inputs":
                    try readArray(reader, "inputs") { reader in
                        guard tensors.count < 2 else { throw RequestError("inputs: expected at most 2 tensors") }
                        tensors.append(try Tensor(reader, "inputs[\(tensors.count)]", maximumRows: maximumRows))
                    }
                case "outputs": try readOutputs(reader)
                case "parameters": try checkParameters(reader, "parameters")
                default: throw unknownKey(key, ["id", "inputs", "outputs", "parameters"], "")
                }
            }
        }
        try take(tensors)
    }

    private mutating func readOutputs(_ reader: JSONReader) throws {
        var outputs: [Output] = []
        try readArray(reader, "outputs") { reader in
            let place = "outputs[\(outputs.count)]"
            guard outputs.count < Output.allCases.count else { throw RequestError("\(place): too many outputs") }
            var name: String?
            try readObject(reader, place) { reader, key in
                switch key {
                case "name": name = try readName(reader, "\(place).name")
                case "parameters": try checkParameters(reader, "\(place).parameters")
                default: throw unknownKey(key, ["name", "parameters"], "\(place).")
                }
            }
            guard let name else { throw RequestError("\(place).name is missing") }
            guard let output = Output(rawValue: name) else {
                throw unknownKey(name, Output.allCases.map(\.rawValue), "\(place).name ")
            }
            guard !outputs.contains(output) else { throw RequestError("\(place).name: \(name) is there twice") }
            outputs.append(output)
        }
        if !outputs.isEmpty { self.outputs = outputs }
    }

    private mutating func take(_ tensors: [Tensor]) throws {
        let width = PredictionFeature.allCases.count
        for tensor in tensors where tensor.name != "features" && tensor.name != "objective" {
            throw unknownKey(tensor.name, ["features", "objective"], "\(tensor.place).name ")
        }
        guard Set(tensors.map(\.name)).count == tensors.count else {
            throw RequestError("inputs: \(tensors[0].name) is there twice")
        }
        guard let features = tensors.first(where: { $0.name == "features" }) else {
            throw RequestError("inputs: a tensor named features is missing")
        }
        guard features.shape.count == 2, features.shape[1] == width else {
            throw RequestError(
                "\(features.place).shape must be [rows, \(width)], found \(features.shape); the columns are "
                    + PredictionFeature.names.joined(separator: ", "))
        }
        rows.reserveCapacity(features.values.count)
        let all = PredictionFeature.allCases
        for row in 0..<features.shape[0] {
            for (column, feature) in all.enumerated() {
                let value = features.values[row * width + column]
                rows.append(
                    value.isNaN
                        ? .nan
                        : try PredictRequest.checked(
                            value, feature, "\(features.place).data: \(feature.rawValue) of row \(row)"))
            }
        }
        guard let objective = tensors.first(where: { $0.name == "objective" }) else { return }
        let count = features.shape[0]
        guard objective.shape == [count] || objective.shape == [count, 1] else {
            throw RequestError(
                "\(objective.place).shape must be [\(count)] as that of features, found \(objective.shape)")
        }
        objectives = try objective.values.map { value in
            guard value >= 1e-6, value <= 3600 else {
                throw RequestError(
                    "\(objective.place).data must be from 1e-6 to 3600 seconds, found "
                        + (value.isNaN ? "null" : "\(value)"))
            }
            return value
        }
    }
}

/// A tensor of a request.
private struct Tensor {
    let place: String
    var name = ""
    var shape: [Int] = []
    /// NaN where missing.
    var values: [Double] = []
    /// Values that the shape stands for.
    private var expected = 0

    init(_ reader: JSONReader, _ place: String, maximumRows: Int) throws {
        self.place = place
        var (hasName, hasShape, hasType) = (false, false, false)
        var data: JSONReader?
        try readObject(reader, place) { reader, key in
            switch key {
            case "name":
                name = try readName(reader, "\(place).name")
                hasName = true
            case "shape":
                hasShape = true
                shape = []
                try readArray(reader, "\(place).shape") { reader in
                    let size = try reader.readInteger()
                    guard shape.count < 8, size >= 0, size <= Int64(Int32.max) else {
                        throw RequestError("\(place).shape must be at most 8 sizes of 0 or more")
                    }
                    shape.append(Int(size))
                }
            case "datatype":
                let type = try readName(reader, "\(place).datatype")
                guard type == "FP32" || type == "FP64" else {
                    throw RequestError("\(place).datatype must be FP32 or FP64, found \(shortened(type))")
                }
                hasType = true
            case "parameters": try checkParameters(reader, "\(place).parameters")
            case "data": data = reader
            default: throw unknownKey(key, ["name", "shape", "datatype", "data", "parameters"], "\(place).")
            }
        }
        guard hasName else { throw RequestError("\(place).name is missing") }
        guard hasShape else { throw RequestError("\(place).shape is missing") }
        guard hasType else { throw RequestError("\(place).datatype is missing") }
        guard let data else { throw RequestError("\(place).data is missing") }
        guard (shape.first ?? 0) <= maximumRows else {
            throw RequestError("\(place): more than \(maximumRows) rows: send them in parts", code: .tooLarge)
        }
        let (count, overflow) = shape.reduce((1, false)) { product, size in
            let (next, tooLarge) = product.0.multipliedReportingOverflow(by: size)
            return (next, product.1 || tooLarge)
        }
        expected = overflow ? .max : count
        // Whether the data are nested shows in their first element.
        try reading("\(place).data") { try append(data, depth: 0, isNested: data.beginsWithArray) }
        guard !overflow, values.count == count else { throw wrongCount() }
    }

    private func wrongCount() -> RequestError {
        RequestError("\(place).data has another number of values than its shape \(shape)")
    }

    /// - Parameter isNested: whether arrays hold arrays, down to the last dimension.
    private mutating func append(_ reader: JSONReader, depth: Int, isNested: Bool) throws {
        var count = 0
        if !isNested || depth == shape.count - 1 {
            try reader.readNumbers { numbers in
                count += numbers.count
                // More would only cost memory.
                guard values.count + numbers.count <= expected else { throw wrongCount() }
                values.append(contentsOf: numbers)
            }
        } else {
            try reader.readArray { reader in
                count += 1
                try append(reader, depth: depth + 1, isNested: true)
            }
        }
        guard !isNested || depth >= shape.count || count == shape[depth] else {
            throw RequestError("\(place).data has \(count) elements in dimension \(depth), shape says \(shape[depth])")
        }
    }
}

private func readName(_ reader: JSONReader, _ place: String) throws -> String {
    let name = try reading(place) { try reader.readString() }
    try checkLength(name, place)
    return name
}

private func readArray(_ reader: JSONReader, _ place: String, _ element: (JSONReader) throws -> Void) throws {
    try reading(place) { try reader.readArray(element) }
}

/// Parameters are for servers that know them. A client that asks for outputs in binary form takes JSON too; inputs in binary
/// form would follow the body's JSON, and are not read here.
private func checkParameters(_ reader: JSONReader, _ place: String) throws {
    try readObject(reader, place) { _, key in
        guard key != "binary_data_size" else {
            throw RequestError("\(place).\(key): the binary data extension is not supported; send data as JSON")
        }
    }
}
