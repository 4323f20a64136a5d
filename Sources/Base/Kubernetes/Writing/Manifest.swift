import JSON
import Yams

/// An object of any kind, to be sent to the API server.
public struct Manifest: Sendable, Hashable {
    /// The object, always with `apiVersion`, `kind` and `metadata.name`.
    public private(set) var value: JSONValue

    /// A manifest from its parts.
    /// - Parameters:
    ///   - apiVersion: group and version, such as "apps/v1", or "v1" for the core group.
    ///   - kind: such as "Deployment".
    ///   - name: unique among the kind's objects of the namespace.
    ///   - namespace: where the object goes; chosen when it is sent where `nil`.
    ///   - members: what comes beside `metadata`, such as `spec`.
    public init(
        apiVersion: String, kind: String, name: String, namespace: String? = nil, members: [String: JSONValue] = [:]
    ) {
        value = .object(members)
        value["apiVersion"] = .string(apiVersion)
        value["kind"] = .string(kind)
        value["metadata"] = ["name": .string(name)]
        self.namespace = namespace
    }

    /// An object that was decoded before.
    /// - Parameters:
    ///   - value: the object.
    ///   - place: what errors call it, such as "web.yaml, document 2".
    /// - Throws: `ManifestError` where `apiVersion`, `kind` or `metadata.name` is missing.
    public init(_ value: JSONValue, place: String) throws {
        guard value.object != nil else {
            throw ManifestError(code: .invalidValue, place: place, message: "not a mapping")
        }
        for key in ["apiVersion", "kind"] where (value[key]?.string ?? "").isEmpty {
            throw ManifestError(code: .missing, place: "\(place), \(key)", message: "missing or not a string")
        }
        guard value["metadata"]?["name"]?.string?.isEmpty == false else {
            throw ManifestError(code: .missing, place: "\(place), metadata.name", message: "missing or not a string")
        }
        if let labels = value["metadata"]?["labels"], labels != .null {
            guard let labels = labels.object, labels.values.allSatisfy({ $0.string != nil }) else {
                throw ManifestError(
                    code: .invalidValue, place: "\(place), metadata.labels",
                    message: "expected strings: quote numbers and words like yes")
            }
        }
        self.value = value
    }

    /// Group and version, such as "apps/v1".
    public var apiVersion: String { value["apiVersion"]?.string ?? "" }
    /// Such as "Deployment".
    public var kind: String { value["kind"]?.string ?? "" }
    /// The object's name.
    public var name: String { value["metadata"]?["name"]?.string ?? "" }

    /// Where the object goes; `nil` leaves it to who sends it.
    public var namespace: String? {
        get { value["metadata"]?["namespace"]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        set { value["metadata"]?["namespace"] = newValue.map { .string($0) } }
    }

    /// The object's own labels, which are not those of its pod template.
    public var labels: [String: String] {
        get { value["metadata"]?["labels"]?.object?.compactMapValues(\.string) ?? [:] }
        set { value["metadata"]?["labels"] = JSONValue(newValue) }
    }

    /// A member beside `apiVersion`, `kind` and `metadata`, such as "spec".
    public subscript(member: String) -> JSONValue? {
        get { value[member] }
        set {
            precondition(!["apiVersion", "kind", "metadata"].contains(member), "\(member) has its own property")
            value[member] = newValue
        }
    }

    /// The object as JSON text.
    public var bytes: [UInt8] { value.bytes }
}

extension Manifest {
    /// Reads the documents of a YAML text in order; empty ones are skipped, and a `List` counts as its items.
    ///
    /// Plain scalars mean what they mean to kubectl (YAML 1.1 as go-yaml resolves it: `yes` is true, `0644` is octal,
    /// times are strings).
    /// - Parameters:
    ///   - text: YAML, of which JSON is a part.
    ///   - place: what errors call it, such as its file's path.
    /// - Throws: `ManifestError` naming the document and key at fault.
    public static func parse(yaml text: String, place: String) throws -> [Manifest] {
        var manifests: [Manifest] = []
        do {
            var documents = try Yams.compose_all(yaml: text)
            var number = 0
            while let node = documents.next() {
                number += 1
                let document = "\(place), document \(number)"
                let value = try JSONValue(yaml: node, place: document)
                if value == .null { continue }
                if value["kind"]?.string == "List", let items = value["items"]?.array {
                    for (index, item) in items.enumerated() {
                        manifests.append(try Manifest(item, place: "\(document), items[\(index)]"))
                    }
                } else {
                    manifests.append(try Manifest(value, place: document))
                }
            }
            if let error = documents.error { throw error }
        } catch let error as YamlError {
            throw ManifestError(code: .malformed, place: place, message: "not YAML: \(error)")
        }
        return manifests
    }
}

/// What is wrong with a manifest.
public struct ManifestError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: Sendable, Hashable {
        /// The text is not YAML, or YAML that JSON has no form for.
        case malformed
        /// A key that every object must have is not there.
        case missing
        /// A value is of another kind than was expected.
        case invalidValue
    }

    /// What is wrong.
    public let code: Code
    /// The file, document and key at fault.
    public let place: String
    /// What is wrong and what was expected.
    public let message: String

    /// "PLACE: MESSAGE".
    public var description: String { "\(place): \(message)" }
}

extension JSONValue {
    /// The JSON that a YAML node stands for.
    init(yaml node: Yams.Node, place: String) throws {
        switch node {
        case .scalar(let scalar): self = try Self.resolve(scalar, place: place)
        case .sequence(let sequence):
            self = .array(
                try sequence.enumerated().map { try JSONValue(yaml: $0.element, place: "\(place)[\($0.offset)]") })
        case .mapping(let mapping):
            var members: [String: JSONValue] = [:]
            var merged: [String: JSONValue] = [:]
            for (key, value) in mapping {
                guard let name = key.scalar?.string else {
                    throw ManifestError(code: .malformed, place: place, message: "a key is not a scalar")
                }
                let value = try JSONValue(yaml: value, place: "\(place), \(name)")
                if name == "<<", key.scalar?.style == .plain {
                    for source in value.array ?? [value] {
                        guard let inherited = source.object else {
                            throw ManifestError(
                                code: .malformed, place: "\(place), <<", message: "only mappings can be merged")
                        }
                        merged.merge(inherited) { first, _ in first }
                    }
                } else {
                    members[name] = value
                }
            }
            self = .object(merged.merging(members) { _, own in own })
        case .alias:
            throw ManifestError(code: .malformed, place: place, message: "an alias without its anchor")
        }
    }

    /// The value of a scalar as go-yaml resolves it, which is what kubectl reads manifests with. Yams would read times
    /// as dates and "1:30" as ninety.
    private static func resolve(_ scalar: Yams.Node.Scalar, place: String) throws -> JSONValue {
        let text = scalar.string
        guard scalar.style == .plain, scalar.tag.description.isEmpty else { return .string(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": return .bool(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": return .bool(false)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN":
            throw ManifestError(
                code: .invalidValue, place: place, message: "\(text) cannot be sent: JSON has finite numbers only")
        default: return integer(text).map { .integer($0) } ?? number(text).map { .number($0) } ?? .string(text)
        }
    }

    private static func integer(_ text: String) -> Int64? {
        var digits = text[...]
        let isNegative = digits.first == "-"
        if let first = digits.first, first == "-" || first == "+" { digits = digits.dropFirst() }
        var radix = 10
        for (prefix, base) in [("0x", 16), ("0o", 8), ("0b", 2)] where digits.hasPrefix(prefix) {
            digits = digits.dropFirst(2)
            radix = base
        }
        if radix == 10, digits.count > 1, digits.first == "0" {
            digits = digits.dropFirst()
            radix = 8
        }
        // A second sign would be taken by Swift's parser.
        guard let first = digits.first, first.isHexDigit else { return nil }
        return Int64((isNegative ? "-" : "") + digits, radix: radix)
    }

    private static func number(_ text: String) -> Double? {
        let allowed = Set("+-.eE0123456789")
        guard text.allSatisfy({ allowed.contains($0) }), text.contains(where: \.isNumber), let number = Double(text),
            number.isFinite
        else { return nil }
        return number
    }
}
