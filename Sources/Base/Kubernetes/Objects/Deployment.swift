import JSON

/// Pods of one template, kept at a number and replaced step by step when the template changes.
public struct Deployment: APIObject {
    /// "Deployment".
    public static let kind = "Deployment"
    /// "/apis/apps/v1/deployments".
    public static let collectionPath = "/apis/apps/v1/deployments"

    /// One container of the template.
    public struct Container: Sendable, Hashable {
        /// The container's name.
        public var name = ""
        /// What it requests, by resource: "cpu" in cores, "memory" in bytes. What it does not request is absent.
        public var requests: [String: ResourceQuantity] = [:]
        /// What it cannot exceed, by resource. What is not limited is absent.
        public var limits: [String: ResourceQuantity] = [:]
    }

    /// Namespace, name, uid, labels, generation and times.
    public var metadata: ObjectMetadata
    /// The Deployment's own annotations.
    public var annotations: [String: String] = [:]
    /// Replicas asked for.
    public var desiredReplicas = 1
    /// Which pods are its own.
    public var selector = LabelSelector()
    /// The labels of its pods.
    public var templateLabels: [String: String] = [:]
    /// The scheduler that its pods ask for; `nil` where the server did not fill it in.
    public var schedulerName: String?
    /// The template's containers, in order, init containers not among them.
    public var containers: [Container] = []
    /// The generation that the figures below are about; `nil` before the controller has seen the Deployment.
    public var observedGeneration: Int64?
    /// Pods that exist, ready or not, of any template. The API leaves out what is zero, here and below.
    public var replicas = 0
    /// Pods whose Ready condition holds.
    public var readyReplicas = 0
    /// Pods of the present template.
    public var updatedReplicas = 0
    /// Pods that have been ready for long enough to count.
    public var availableReplicas = 0

    /// Whether what was asked for is there: the controller has seen the present generation, every pod is of the
    /// present template and available, and none is left of another (as `kubectl rollout status` has it).
    public var isRolledOut: Bool {
        guard let observedGeneration, observedGeneration >= metadata.generation ?? 0 else { return false }
        return updatedReplicas >= desiredReplicas && replicas == updatedReplicas
            && availableReplicas >= updatedReplicas
    }

    /// Reads a Deployment.
    /// - Throws: `JSONError` for malformed text or quantities, `ObjectError` for one without a name.
    public init(reading reader: JSONReader) throws {
        metadata = ObjectMetadata()
        var deployment = self
        try reader.readObject { reader, key in
            switch key {
            case "metadata":
                deployment.metadata = try ObjectMetadata(reading: reader)
                try reader.readObject { reader, key in
                    if key == "annotations" { deployment.annotations = try reader.readStringMap() }
                }
            case "spec": try deployment.readSpecification(reader)
            case "status": try deployment.readStatus(reader)
            default: break
            }
        }
        guard !deployment.metadata.name.isEmpty else {
            throw ObjectError(object: "Deployment", message: "metadata.name is missing")
        }
        self = deployment
    }

    private mutating func readSpecification(_ reader: JSONReader) throws {
        try reader.readObjectIfPresent { reader, key in
            switch key {
            case "replicas": desiredReplicas = try reader.isNull ? 1 : Int(reader.readInteger())
            case "selector": selector = try LabelSelector(reading: reader)
            case "template": try readTemplate(reader)
            default: break
            }
        }
    }

    private mutating func readTemplate(_ reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "metadata": templateLabels = try ObjectMetadata(reading: reader).labels
            case "spec":
                try reader.readObjectIfPresent { reader, key in
                    switch key {
                    case "schedulerName": schedulerName = try reader.readStringIfPresent()
                    case "containers":
                        try reader.readArrayIfPresent { containers.append(try Container(reading: $0)) }
                    default: break
                    }
                }
            default: break
            }
        }
    }

    private mutating func readStatus(_ reader: JSONReader) throws {
        try reader.readObjectIfPresent { reader, key in
            switch key {
            case "observedGeneration": observedGeneration = reader.isNull ? nil : try reader.readInteger()
            case "replicas": replicas = Int(try reader.readInteger())
            case "readyReplicas": readyReplicas = Int(try reader.readInteger())
            case "updatedReplicas": updatedReplicas = Int(try reader.readInteger())
            case "availableReplicas": availableReplicas = Int(try reader.readInteger())
            default: break
            }
        }
    }
}

extension Deployment.Container {
    init(reading reader: JSONReader) throws {
        let resources = try ContainerResources(reading: reader)
        (name, requests, limits) = (resources.name, resources.requests, resources.limits)
    }
}
