import JSON

/// A group of containers that is scheduled as one.
public struct Pod: APIObject {
    /// "Pod".
    public static let kind = "Pod"
    /// "/api/v1/pods".
    public static let collectionPath = "/api/v1/pods"

    /// Where a pod is in its life. A struct, so that a value this client does not know survives.
    public struct Phase: RawRepresentable, Sendable, Hashable {
        /// The API's word.
        public let rawValue: String
        /// A phase by the API's word.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// Accepted, but not all containers run.
        public static let pending = Phase(rawValue: "Pending")
        /// Bound to a node, with at least one container running or starting.
        public static let running = Phase(rawValue: "Running")
        /// All containers ended well and stay so.
        public static let succeeded = Phase(rawValue: "Succeeded")
        /// All containers ended, one of them badly.
        public static let failed = Phase(rawValue: "Failed")
        /// The node cannot be asked.
        public static let unknown = Phase(rawValue: "Unknown")
    }

    /// One container, as far as it is resized in place.
    public struct Container: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// Cores that the spec asks for; `nil` where it asks for none.
        public var requestedCPU: ResourceQuantity?
        /// Cores that the kubelet has admitted for it; `nil` where the kubelet does not say: before Kubernetes 1.33, or
        /// before it runs.
        public var heldCPU: ResourceQuantity?
    }

    /// Why the kubelet does not resize a pod as its spec asks (condition `PodResizePending`).
    public struct ResizeObstacle: Sendable, Hashable, CustomStringConvertible {
        /// Whether the node can never make room; otherwise the kubelet waits for room.
        public var isInfeasible: Bool
        /// The kubelet's account of it; may be empty.
        public var message: String

        /// Such as "Deferred: Node didn't have enough resource: cpu".
        public var description: String {
            (isInfeasible ? "Infeasible" : "Deferred") + (message.isEmpty ? "" : ": \(message)")
        }
    }

    /// Namespace, name, uid, labels, owners, creation and deletion times.
    public var metadata: ObjectMetadata
    /// The node the pod is bound to; `nil` while it waits for one.
    public var nodeName: String?
    /// The scheduler that is to place the pod.
    public var schedulerName: String?
    /// Its rank among pods; `nil` where the server assigned none.
    public var priority: Int64?
    /// Where the pod is in its life; `nil` before the server said.
    public var phase: Phase?
    /// The pod's address; `nil` while it has none.
    public var podIP: String?
    /// When the kubelet accepted the pod; `nil` before.
    public var startTime: Timestamp?
    /// The Ready condition; `nil` while there is none.
    public var ready: ConditionStatus?
    /// When the Ready condition last changed; `nil` where the kubelet did not say.
    public var readySince: Timestamp?
    /// What the scheduler counts for the pod, by resource: "cpu" in cores, "memory" in bytes. Containers run together,
    /// ordinary init containers one after another, restartable ones ("sidecars") beside all that come later; then the
    /// overhead of the runtime class (k8s.io/component-helpers/resource, PodRequests). While a container is resized in
    /// place, the most of what it asks for and what it holds. A resource that nobody requests is absent.
    public var requests: [String: ResourceQuantity] = [:]
    /// What the pod cannot exceed, by resource, with overhead. A resource is absent where any container has no limit
    /// for it: then nothing but the node bounds the pod.
    public var limits: [String: ResourceQuantity] = [:]
    /// The containers, in order, init containers not among them.
    public var containers: [Container] = []
    /// Why the kubelet does not resize the pod as its spec asks; `nil` where it does, or has not said yet.
    public var resizeObstacle: ResizeObstacle?

    /// Cores requested; `nil` for a pod that requests none.
    public var requestedCPU: ResourceQuantity? { requests["cpu"] }
    /// Bytes of memory requested; `nil` for a pod that requests none.
    public var requestedMemory: ResourceQuantity? { requests["memory"] }
    /// Whether the pod has ended and holds no resources any more.
    public var isTerminated: Bool { phase == .succeeded || phase == .failed }
    /// The owner that manages the pod, if any.
    public var controller: OwnerReference? { metadata.ownerReferences.first { $0.isController } }

    /// A pod that requests nothing and waits for a node.
    public init(metadata: ObjectMetadata) {
        self.metadata = metadata
    }

    /// Reads a Pod.
    /// - Throws: `JSONError` for malformed text or quantities, `ObjectError` for a pod without a name.
    public init(reading reader: JSONReader) throws {
        var pod = Pod(metadata: ObjectMetadata())
        var resources = PodResources()
        try reader.readObject { reader, key in
            switch key {
            case "metadata": pod.metadata = try ObjectMetadata(reading: reader)
            case "spec": try pod.readSpecification(reader, &resources)
            case "status": try pod.readStatus(reader, &resources)
            default: break
            }
        }
        // A pod that is sent for scheduling may still await its generated name; its uid then tells it apart.
        guard !pod.metadata.name.isEmpty || !pod.metadata.uid.isEmpty else {
            throw ObjectError(object: "Pod", message: "metadata has neither name nor uid")
        }
        pod.requests = resources.requests
        pod.limits = resources.limits
        pod.containers = resources.containers.map { container in
            let status = resources.statuses[container.name]
            return Container(
                name: container.name, requestedCPU: container.requests["cpu"],
                heldCPU: status?.allocated["cpu"] ?? status?.requests?["cpu"])
        }
        // Of an earlier request, which the kubelet has not replaced yet.
        if let seen = resources.resizeGeneration, let present = pod.metadata.generation, seen < present {
            pod.resizeObstacle = nil
        }
        self = pod
    }

    private mutating func readSpecification(_ reader: JSONReader, _ resources: inout PodResources) throws {
        try reader.readObjectIfPresent { reader, key in
            switch key {
            case "nodeName":
                let name = try reader.readStringIfPresent() ?? ""
                nodeName = name.isEmpty ? nil : name
            case "schedulerName": schedulerName = try reader.readStringIfPresent()
            case "priority": priority = reader.isNull ? nil : try reader.readInteger()
            case "containers":
                try reader.readArrayIfPresent { resources.containers.append(try ContainerResources(reading: $0)) }
            case "initContainers":
                try reader.readArrayIfPresent { resources.initContainers.append(try ContainerResources(reading: $0)) }
            case "overhead": resources.overhead = try reader.readQuantities()
            case "resources":
                try reader.readObjectIfPresent { reader, key in
                    switch key {
                    case "requests": resources.podRequests = try reader.readQuantities()
                    case "limits": resources.podLimits = try reader.readQuantities()
                    default: break
                    }
                }
            default: break
            }
        }
    }

    private mutating func readStatus(_ reader: JSONReader, _ resources: inout PodResources) throws {
        try reader.readObjectIfPresent { reader, key in
            switch key {
            case "phase": phase = try reader.readStringIfPresent().map(Phase.init(rawValue:))
            case "podIP":
                let address = try reader.readStringIfPresent() ?? ""
                podIP = address.isEmpty ? nil : address
            case "startTime": startTime = try reader.readTimestampIfPresent()
            case "conditions":
                try reader.readArrayIfPresent { reader in
                    let condition = try Condition(reading: reader)
                    switch condition.type {
                    case "Ready":
                        ready = condition.status
                        readySince = condition.lastTransition
                    case "PodResizePending":
                        resources.isInfeasible = condition.reason == "Infeasible"
                        guard condition.status == .true else { break }
                        resizeObstacle = ResizeObstacle(
                            isInfeasible: resources.isInfeasible, message: condition.message)
                        resources.resizeGeneration = condition.observedGeneration
                    default: break
                    }
                }
            case "containerStatuses", "initContainerStatuses":
                try reader.readArrayIfPresent { reader in
                    let status = try ContainerStatus(reading: reader)
                    resources.statuses[status.name] = status
                }
            default: break
            }
        }
    }
}
