import JSON
import Prediction
import Responses
import Settings

/// The body of `POST /predict`: one node's metrics, or `instances`, an array of those.
///
///     {"node": "node0", "metrics": {"cpu_used": 0.5, "memory_used": null}, "objective": 0.1, "contributions": true}
///
/// A metric that is left out or `null` is missing.
public struct PredictRequest: Sendable, Equatable {
    /// The features, one row after the other, NaN where missing.
    public private(set) var rows: [Float] = []
    /// Names of the rows' nodes; `nil` where none was given.
    public private(set) var nodes: [String?] = []
    /// Objectives of the rows in seconds; `nil` where none was given.
    public private(set) var objectives: [Double?] = []
    /// Whether contributions are wanted.
    public private(set) var wantsContributions = false
    /// Whether the rows came as `instances`.
    public private(set) var isBatch = false

    /// Decodes a body.
    /// - Parameters:
    ///   - body: a JSON text.
    ///   - maximumRows: most rows.
    /// - Throws: `JSONError` for malformed text, `RequestError` for what is no such request.
    public init(parsing body: UnsafeRawBufferPointer, maximumRows: Int) throws {
        try JSONReader.reading(buffer: body) { reader in
            var instance = Instance()
            try readObject(reader, "the body") { reader, key in
                switch key {
                case "instances":
                    isBatch = true
                    try readInstances(reader, maximumRows)
                case "contributions":
                    wantsContributions = try reading(key) { try reader.readBool() }
                default:
                    guard try instance.read(reader, key, "") else {
                        throw unknownKey(key, Instance.keys + ["contributions", "instances"], "")
                    }
                }
            }
            if isBatch {
                guard instance == Instance() else {
                    throw RequestError("a body with \"instances\" has metrics, nodes and objectives in those only")
                }
            } else {
                try append(instance, "")
            }
        }
    }

    private mutating func readInstances(_ reader: JSONReader, _ maximumRows: Int) throws {
        var index = 0
        do {
            try reader.readArray { reader in
                guard index < maximumRows else {
                    throw RequestError("more than \(maximumRows) instances: send them in parts", code: .tooLarge)
                }
                let place = "instances[\(index)]."
                var instance = Instance()
                try readObject(reader, "instances[\(index)]") { reader, key in
                    guard try instance.read(reader, key, place) else { throw unknownKey(key, Instance.keys, place) }
                }
                try append(instance, place)
                index += 1
            }
        } catch let error as JSONError {
            throw RequestError("instances: \(error.message)")
        }
    }

    private mutating func append(_ instance: Instance, _ place: String) throws {
        guard let metrics = instance.metrics else { throw RequestError("\(place)metrics is missing") }
        rows.append(contentsOf: metrics)
        nodes.append(instance.node)
        objectives.append(instance.objective)
    }

    // MARK: Parts

    /// One node's part of a body.
    private struct Instance: Equatable {
        static let keys = ["node", "metrics", "objective"]

        var node: String?
        var metrics: [Float]?
        var objective: Double?

        /// - Returns: false for a key that it does not know.
        mutating func read(_ reader: JSONReader, _ key: String, _ place: String) throws -> Bool {
            switch key {
            case "node": node = try reading("\(place)node") { try reader.readStringIfPresent() }
            case "objective":
                guard !reader.isNull else { return true }
                let value = try reading("\(place)objective") { try reader.readDouble() }
                guard value >= 1e-6, value <= 3600 else {
                    throw RequestError("\(place)objective must be from 1e-6 to 3600 seconds, found \(value)")
                }
                objective = value
            case "metrics": metrics = try readMetrics(reader, "\(place)metrics")
            default: return false
            }
            return true
        }

        private func readMetrics(_ reader: JSONReader, _ place: String) throws -> [Float] {
            var row = [Float](repeating: .nan, count: PredictRequest.features.count)
            // In place of `readObject`'s set of names, which would take longer than the trees do.
            var isThere = [Bool](repeating: false, count: row.count)
            try reading(place) {
                try reader.readObject { reader, name in
                    try checkLength(name, "\(place): a key")
                    guard let index = PredictRequest.position[name] else {
                        throw unknownKey(name, PredictionFeature.names, "\(place).")
                    }
                    guard !isThere[index] else { throw RequestError("\(place): \(name) is there twice") }
                    isThere[index] = true
                    guard !reader.isNull else { return }
                    let value = try reading("\(place).\(name)") { try reader.readDouble() }
                    row[index] = try checked(value, PredictRequest.features[index], "\(place).\(name)")
                }
            }
            return row
        }
    }

    private static let features = PredictionFeature.allCases
    /// The features' places in a row.
    private static let position = Dictionary(
        uniqueKeysWithValues: PredictionFeature.names.enumerated().map { ($1, $0) })
}

extension PredictRequest {
    /// A feature's value.
    /// - Throws: `RequestError` for one that cannot be.
    static func checked(
        _ value: Double, _ feature: PredictionFeature, _ place: @autoclosure () -> String
    ) throws -> Float {
        let limits = feature.limits
        guard limits.contains(value) else {
            throw RequestError("\(place()) must be from \(limits.lowerBound) to \(limits.upperBound), found \(value)")
        }
        return Float(value)
    }
}

/// Reads an object, each of whose keys may be there once; errors of its JSON name `place`.
func readObject(
    _ reader: JSONReader, _ place: String, _ member: (JSONReader, String) throws -> Void
) throws {
    var keys = Set<String>()
    do {
        try reader.readObject { reader, key in
            try checkLength(key, "\(place): a key")
            guard keys.insert(key).inserted else { throw RequestError("\(place): \(shortened(key)) is there twice") }
            try member(reader, key)
        }
    } catch let error as JSONError {
        throw RequestError("\(place): \(error.message)")
    }
}

/// Reads a value; errors of its JSON name `place`.
func reading<Value>(_ place: @autoclosure () -> String, _ body: () throws -> Value) throws -> Value {
    do {
        return try body()
    } catch let error as JSONError {
        throw RequestError("\(place()): \(error.message)")
    }
}

/// Refuses names that are compared with others and longer than any of them: comparing strings of many combining marks takes
/// time that grows with the square of their number.
func checkLength(_ name: String, _ place: @autoclosure () -> String) throws {
    guard name.utf8.count <= 256 else {
        throw RequestError("\(place()) of \(name.utf8.count) bytes, expected at most 256: \(shortened(name))")
    }
}

/// An error about a key that is none of `known`.
func unknownKey(_ key: String, _ known: [String], _ place: String) -> RequestError {
    let near = key.utf8.count > 64 ? nil : NearestName.find(key, among: known)
    return RequestError(
        "\(place)\(shortened(key)) is not known; "
            + (near.map { "did you mean \($0)?" } ?? "expected one of \(known.joined(separator: ", "))"))
}
