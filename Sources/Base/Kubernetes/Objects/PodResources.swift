import JSON

/// What one container asks for and may not exceed.
struct ContainerResources {
    var name = ""
    var requests: [String: ResourceQuantity] = [:]
    var limits: [String: ResourceQuantity] = [:]
    /// An init container that keeps running beside the containers started after it.
    var isRestartable = false

    init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "name": name = try reader.readStringIfPresent() ?? ""
            case "resources":
                try reader.readObjectIfPresent { reader, key in
                    switch key {
                    case "requests": requests = try reader.readQuantities()
                    case "limits": limits = try reader.readQuantities()
                    default: break
                    }
                }
            case "restartPolicy": isRestartable = try reader.readStringIfPresent() == "Always"
            default: break
            }
        }
    }
}

/// What the kubelet says that one container holds.
struct ContainerStatus {
    var name = ""
    /// What the kubelet has admitted.
    var allocated: [String: ResourceQuantity] = [:]
    /// What the container is run with; `nil` where the kubelet does not say: before Kubernetes 1.33, or before it runs.
    var requests: [String: ResourceQuantity]?

    init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "name": name = try reader.readStringIfPresent() ?? ""
            case "allocatedResources": allocated = try reader.readQuantities()
            case "resources":
                try reader.readObjectIfPresent { reader, key in
                    switch key {
                    case "requests": requests = try reader.readQuantities()
                    default: break
                    }
                }
            default: break
            }
        }
    }
}

/// Adds up a pod's containers by the scheduler's rule (k8s.io/component-helpers/resource, PodRequests and PodLimits):
/// the larger of what runs together in the end (containers and sidecars) and of each ordinary init container with the
/// sidecars started before it; the pod's own figures take precedence; overhead comes on top. While a container is resized
/// in place, it requests the most of what its spec asks for, what the kubelet has admitted and what it is run with; where
/// the node can never make room, what the spec asks for does not count.
struct PodResources {
    var containers: [ContainerResources] = []
    var initContainers: [ContainerResources] = []
    /// What the kubelet says of them, by their names.
    var statuses: [String: ContainerStatus] = [:]
    /// Whether the kubelet finds the requested resizing infeasible.
    var isInfeasible = false
    /// The pod's generation when the kubelet said why it does not resize it; `nil` where it does not say.
    var resizeGeneration: Int64?
    var podRequests: [String: ResourceQuantity] = [:]
    var podLimits: [String: ResourceQuantity] = [:]
    var overhead: [String: ResourceQuantity] = [:]

    var requests: [String: ResourceQuantity] {
        var total = sum(counted).merging(podRequests) { _, pod in pod }
        for (resource, amount) in overhead { total[resource] = (total[resource] ?? .zero) + amount }
        return total
    }

    var limits: [String: ResourceQuantity] {
        let running = containers + initContainers.filter(\.isRestartable)
        var total = sum(\.limits).filter { resource, _ in running.allSatisfy { $0.limits[resource] != nil } }
        total.merge(podLimits) { _, pod in pod }
        for (resource, amount) in overhead {
            if let limit = total[resource] { total[resource] = limit + amount }
        }
        return total
    }

    /// What a container requests now. Ordinary init containers cannot be resized.
    private func counted(_ container: ContainerResources) -> [String: ResourceQuantity] {
        guard !initContainers.contains(where: { $0.name == container.name && !$0.isRestartable }),
            let status = statuses[container.name], let running = status.requests
        else { return container.requests }
        let held = running.merging(status.allocated, uniquingKeysWith: max)
        return isInfeasible ? held : container.requests.merging(held, uniquingKeysWith: max)
    }

    private func sum(_ figures: (ContainerResources) -> [String: ResourceQuantity]) -> [String: ResourceQuantity] {
        var together: [String: ResourceQuantity] = [:]
        for container in containers { together.merge(figures(container), uniquingKeysWith: +) }
        var sidecars: [String: ResourceQuantity] = [:]
        var peak: [String: ResourceQuantity] = [:]
        for container in initContainers {
            var atStart = figures(container)
            if container.isRestartable {
                sidecars.merge(atStart, uniquingKeysWith: +)
                atStart = sidecars
            } else {
                atStart.merge(sidecars, uniquingKeysWith: +)
            }
            peak.merge(atStart, uniquingKeysWith: max)
        }
        together.merge(sidecars, uniquingKeysWith: +)
        return together.merging(peak, uniquingKeysWith: max)
    }
}
