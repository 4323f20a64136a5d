import JSON

/// What one container asks for and may not exceed.
struct ContainerResources {
    var requests: [String: ResourceQuantity] = [:]
    var limits: [String: ResourceQuantity] = [:]
    /// An init container that keeps running beside the containers started after it.
    var isRestartable = false

    init(reading reader: inout JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "resources":
                try reader.readObjectIfPresent { reader, key in
                    switch key {
                    case "requests": requests = try reader.readQuantities()
                    case "limits": limits = try reader.readQuantities()
                    default: try reader.skipValue()
                    }
                }
            case "restartPolicy": isRestartable = try reader.readStringIfPresent() == "Always"
            default: try reader.skipValue()
            }
        }
    }
}

/// Adds up a pod's containers by the scheduler's rule (k8s.io/component-helpers/resource, PodRequests and PodLimits):
/// the larger of what runs together in the end (containers and sidecars) and of each ordinary init container with the
/// sidecars started before it; the pod's own figures take precedence; overhead comes on top.
struct PodResources {
    var containers: [ContainerResources] = []
    var initContainers: [ContainerResources] = []
    var podRequests: [String: ResourceQuantity] = [:]
    var podLimits: [String: ResourceQuantity] = [:]
    var overhead: [String: ResourceQuantity] = [:]

    var requests: [String: ResourceQuantity] {
        var total = sum(\.requests).merging(podRequests) { _, pod in pod }
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

    private func sum(_ figures: KeyPath<ContainerResources, [String: ResourceQuantity]>) -> [String: ResourceQuantity] {
        var together: [String: ResourceQuantity] = [:]
        for container in containers { together.merge(container[keyPath: figures], uniquingKeysWith: +) }
        var sidecars: [String: ResourceQuantity] = [:]
        var peak: [String: ResourceQuantity] = [:]
        for container in initContainers {
            var atStart = container[keyPath: figures]
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
