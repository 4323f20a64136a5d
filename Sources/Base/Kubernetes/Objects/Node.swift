import JSON

/// A machine of the cluster.
public struct Node: APIObject {
    /// "Node".
    public static let kind = "Node"
    /// "/api/v1/nodes".
    public static let collectionPath = "/api/v1/nodes"
    /// False: nodes are cluster-wide.
    public static let isNamespaced = false

    /// Name, uid, labels and version.
    public var metadata: ObjectMetadata
    /// Whether the node is cordoned.
    public var isUnschedulable = false
    /// What keeps pods without a matching toleration away.
    public var taints: [Taint] = []
    /// What pods may request in all, by resource: "cpu" in cores, "memory" in bytes, "pods" in pieces. Empty until the
    /// kubelet has reported.
    public var allocatable: [String: ResourceQuantity] = [:]
    /// The Ready condition; `nil` until the kubelet has reported.
    public var ready: ConditionStatus?

    /// Cores that pods may request; `nil` until reported.
    public var allocatableCPU: ResourceQuantity? { allocatable["cpu"] }
    /// Bytes of memory that pods may request; `nil` until reported.
    public var allocatableMemory: ResourceQuantity? { allocatable["memory"] }
    /// How many pods the node may run; `nil` until reported.
    public var allocatablePods: ResourceQuantity? { allocatable["pods"] }

    /// A node that has reported nothing.
    public init(metadata: ObjectMetadata) {
        self.metadata = metadata
    }

    /// Reads a Node.
    /// - Throws: `JSONError` for malformed text or quantities, `ObjectError` for a node without a name.
    public init(reading reader: JSONReader) throws {
        var node = Node(metadata: ObjectMetadata())
        try reader.readObject { reader, key in
            switch key {
            case "metadata": node.metadata = try ObjectMetadata(reading: reader)
            case "spec": try node.readSpecification(reader)
            case "status": try node.readStatus(reader)
            default: break
            }
        }
        guard !node.metadata.name.isEmpty else {
            throw ObjectError(object: "Node", message: "metadata.name is missing")
        }
        self = node
    }

    private mutating func readSpecification(_ reader: JSONReader) throws {
        try reader.readObjectIfPresent { reader, key in
            switch key {
            case "unschedulable": isUnschedulable = try reader.isNull ? false : reader.readBool()
            case "taints": try reader.readArrayIfPresent { taints.append(try Taint(reading: $0)) }
            default: break
            }
        }
    }

    private mutating func readStatus(_ reader: JSONReader) throws {
        try reader.readObjectIfPresent { reader, key in
            switch key {
            case "allocatable": allocatable = try reader.readQuantities()
            case "conditions":
                try reader.readArrayIfPresent { reader in
                    let condition = try Condition(reading: reader)
                    if condition.type == "Ready" { ready = condition.status }
                }
            default: break
            }
        }
    }
}

/// A mark on a node that keeps pods away, or drives them off, unless they tolerate it.
public struct Taint: Sendable, Hashable {
    /// Such as "node.kubernetes.io/not-ready".
    public var key = ""
    /// May be empty.
    public var value = ""
    /// "NoSchedule", "PreferNoSchedule" or "NoExecute".
    public var effect = ""

    /// A taint with all its parts.
    public init(key: String, value: String = "", effect: String) {
        self.key = key
        self.value = value
        self.effect = effect
    }

    init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "key": self.key = try reader.readString()
            case "value": value = try reader.readStringIfPresent() ?? ""
            case "effect": effect = try reader.readString()
            default: break
            }
        }
    }
}

/// Whether a condition holds.
public enum ConditionStatus: String, Sendable, Hashable {
    /// It holds.
    case `true` = "True"
    /// It does not hold.
    case `false` = "False"
    /// The one that should know has not said lately, such as a kubelet that stopped reporting.
    case unknown = "Unknown"
}

/// One entry of a status' conditions.
struct Condition {
    var type = ""
    var status = ConditionStatus.unknown
    var lastTransition: Timestamp?
    var reason = ""
    var message = ""
    /// The generation of the object that the condition is about; `nil` where the server does not say.
    var observedGeneration: Int64?

    init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "type": type = try reader.readString()
            case "status": status = ConditionStatus(rawValue: try reader.readString()) ?? .unknown
            case "lastTransitionTime": lastTransition = try reader.readTimestampIfPresent()
            case "reason": reason = try reader.readStringIfPresent() ?? ""
            case "message": message = try reader.readStringIfPresent() ?? ""
            case "observedGeneration": observedGeneration = reader.isNull ? nil : try reader.readInteger()
            default: break
            }
        }
    }
}
