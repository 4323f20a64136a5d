import JSON

/// An object of the Kubernetes API as far as this client reads it.
public protocol APIObject: Sendable, Equatable {
    /// The kind of a single object, such as "Pod".
    static var kind: String { get }
    /// The path of the collection over all namespaces, such as "/api/v1/pods".
    static var collectionPath: String { get }
    /// Whether objects of the kind live in a namespace; by default they do.
    static var isNamespaced: Bool { get }
    /// Name, version and what else every object carries.
    var metadata: ObjectMetadata { get }
    /// Reads the object from JSON.
    /// - Throws: `JSONError` for malformed text, `ObjectError` for a field that is missing or out of range.
    init(reading reader: JSONReader) throws
}

extension APIObject {
    /// What tells the object from others of its kind: "namespace/name", or the name alone without a namespace.
    public var key: String { metadata.key }
}

/// What every object of the API carries.
public struct ObjectMetadata: Sendable, Equatable {
    /// Unique within its namespace (or, without one, within the cluster) at any one time.
    public var name = ""
    /// The namespace, or `nil` for cluster-wide kinds such as nodes.
    public var namespace: String?
    /// Unique over all time: a recreated object of the same name has another.
    public var uid = ""
    /// Opaque version of the object in storage.
    public var resourceVersion = ""
    /// Counts changes of what is asked for (`spec`); `nil` for kinds that do not count.
    public var generation: Int64?
    /// The object's labels.
    public var labels: [String: String] = [:]
    /// What the annotation `LatencyObjective.annotation` says; `nil` where there is none. Others are not kept.
    public var latencyObjective: String?
    /// The objects this one belongs to, such as a pod's ReplicaSet.
    public var ownerReferences: [OwnerReference] = []
    /// When the object was created; `nil` before the server stored it.
    public var creationTimestamp: Timestamp?
    /// When the object's graceful deletion ends; `nil` while it is not being deleted.
    public var deletionTimestamp: Timestamp?

    /// Metadata with nothing but a name.
    public init(name: String = "", namespace: String? = nil, uid: String = "") {
        self.name = name
        self.namespace = namespace
        self.uid = uid
    }

    /// "namespace/name", or the name alone without a namespace.
    public var key: String { namespace.map { "\($0)/\(name)" } ?? name }

    /// Reads a `metadata` object.
    /// - Throws: `JSONError` for malformed text, `ObjectError` for an empty name or a bad timestamp.
    public init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "name": name = try reader.readStringIfPresent() ?? ""
            case "namespace":
                let text = try reader.readStringIfPresent() ?? ""
                namespace = text.isEmpty ? nil : text
            case "uid": uid = try reader.readStringIfPresent() ?? ""
            case "resourceVersion": resourceVersion = try reader.readStringIfPresent() ?? ""
            case "generation": generation = reader.isNull ? nil : try reader.readInteger()
            case "labels": labels = try reader.readStringMap()
            case "annotations":
                try reader.readObjectIfPresent { reader, key in
                    if key == LatencyObjective.annotation {
                        latencyObjective = try reader.readStringIfPresent()
                    }
                }
            case "ownerReferences":
                try reader.readArrayIfPresent { ownerReferences.append(try OwnerReference(reading: $0)) }
            case "creationTimestamp": creationTimestamp = try reader.readTimestampIfPresent()
            case "deletionTimestamp": deletionTimestamp = try reader.readTimestampIfPresent()
            default: break
            }
        }
    }
}

/// The owner of an object, by kind and name.
public struct OwnerReference: Sendable, Hashable {
    /// Such as "ReplicaSet".
    public var kind = ""
    /// The owner's name, in the object's own namespace.
    public var name = ""
    /// The owner's uid.
    public var uid = ""
    /// Whether this owner is the one that manages the object.
    public var isController = false

    /// A reference to the managing owner.
    public init(kind: String, name: String, uid: String, isController: Bool = true) {
        self.kind = kind
        self.name = name
        self.uid = uid
        self.isController = isController
    }

    init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "kind": kind = try reader.readString()
            case "name": name = try reader.readString()
            case "uid": uid = try reader.readString()
            case "controller": isController = try reader.isNull ? false : reader.readBool()
            default: break
            }
        }
    }
}

/// A field of an object that is missing or out of range.
public struct ObjectError: Error, Hashable, CustomStringConvertible {
    /// Which object, as far as it is known, such as "Pod default/web-0".
    public let object: String
    /// What is wrong with it.
    public let message: String

    /// An error about `object`.
    public init(object: String, message: String) {
        self.object = object
        self.message = message
    }

    /// "OBJECT: MESSAGE".
    public var description: String { "\(object): \(message)" }
}

extension JSONReader {
    /// Reads an object whose members are strings, or `null` as no members.
    func readStringMap() throws -> [String: String] {
        var map: [String: String] = [:]
        try readObjectIfPresent { reader, key in map[key] = try reader.readString() }
        return map
    }

    /// Reads resource names and amounts, or `null` as none.
    func readQuantities() throws -> [String: ResourceQuantity] {
        var map: [String: ResourceQuantity] = [:]
        try readObjectIfPresent { reader, key in
            do {
                map[key] = try ResourceQuantity(parsing: try reader.readStringOrNumber())
            } catch let error as QuantityError {
                throw reader.error("resource \(key): \(error)")
            }
        }
        return map
    }

    /// Reads a time as RFC 3339 writes it, or `null` as `nil`.
    func readTimestampIfPresent() throws -> Timestamp? {
        guard let text = try readStringIfPresent() else { return nil }
        guard let timestamp = Timestamp(parsing: text) else {
            throw error("\"\(text)\" is not a time: expected RFC 3339, such as 2026-01-31T12:00:00Z")
        }
        return timestamp
    }
}
