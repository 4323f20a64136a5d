import Foundation

/// CPU and memory as kube-scheduler counts them, in whole millicores and bytes.
public struct ScheduledResources: Sendable, Hashable {
    /// Millicores.
    public var cpu: Int
    /// Bytes.
    public var memory: Int

    /// An amount of `cpu` millicores and `memory` bytes.
    public init(cpu: Int = 0, memory: Int = 0) {
        self.cpu = cpu
        self.memory = memory
    }

    static func + (a: ScheduledResources, b: ScheduledResources) -> ScheduledResources {
        ScheduledResources(cpu: a.cpu + b.cpu, memory: a.memory + b.memory)
    }
}

/// How NodeResourcesBalancedAllocation scores.
public enum BalancedAllocationRule: String, Codable, Sendable, CaseIterable {
    /// By how balanced the node is with the pod on it, as up to Kubernetes 1.35.
    case level
    /// By how much the pod changes the node's balance, as from Kubernetes 1.36 (kubernetes #135573).
    case change
}

/// The arithmetic of kube-scheduler's score plugins, integer division included, from `pkg/scheduler/framework/plugins`
/// of Kubernetes 1.36. Every score is from 0 to 100.
public enum SchedulerScores {
    /// The greatest score of a plugin for a node.
    public static let greatest = 100

    /// NodeResourcesFit with the strategy LeastAllocated: the mean over CPU and memory of the free share.
    /// - Parameter requested: requests on the node with the pod on it, defaults in the place of missing requests.
    public static func leastAllocated(_ requested: ScheduledResources, of allocatable: ScheduledResources) -> Int {
        mean(requested, allocatable) { requested, capacity in
            requested > capacity ? 0 : (capacity - requested) * greatest / capacity
        }
    }

    /// NodeResourcesFit with the strategy MostAllocated: the mean over CPU and memory of the requested share.
    /// - Parameter requested: as in `leastAllocated`.
    public static func mostAllocated(_ requested: ScheduledResources, of allocatable: ScheduledResources) -> Int {
        mean(requested, allocatable) { requested, capacity in min(requested, capacity) * greatest / capacity }
    }

    private static func mean(
        _ requested: ScheduledResources, _ allocatable: ScheduledResources, _ score: (Int, Int) -> Int
    ) -> Int {
        var sum = 0
        var weights = 0
        for (requested, capacity) in [(requested.cpu, allocatable.cpu), (requested.memory, allocatable.memory)]
        where capacity > 0 {
            sum += score(requested, capacity)
            weights += 1
        }
        return weights == 0 ? 0 : sum / weights
    }

    /// NodeResourcesBalancedAllocation: how close the requested shares of CPU and memory are to each other.
    /// - Parameters:
    ///   - before: requests on the node without the pod; nothing in the place of missing ones.
    ///   - after: the same with the pod.
    public static func balancedAllocation(
        before: ScheduledResources, after: ScheduledResources, of allocatable: ScheduledResources,
        rule: BalancedAllocationRule
    ) -> Int {
        switch rule {
        case .level: return balance(after, of: allocatable)
        case .change:
            let change = balance(after, of: allocatable) - balance(before, of: allocatable)
            return greatest / 2 + (greatest / 2 + change) / 2
        }
    }

    /// (1 - standard deviation of the two shares) · 100, rounded down: 50 to 100.
    private static func balance(_ requested: ScheduledResources, of allocatable: ScheduledResources) -> Int {
        guard allocatable.cpu > 0, allocatable.memory > 0 else { return greatest }
        let cpu = min(1, Double(requested.cpu) / Double(allocatable.cpu))
        let memory = min(1, Double(requested.memory) / Double(allocatable.memory))
        return Int((1 - abs((cpu - memory) / 2)) * Double(greatest))
    }

    /// PodTopologySpread with one constraint on the host name that is not binding (`ScheduleAnyway`), normalised.
    ///
    /// Of the system's default constraints (host name with a skew of 3, zone with a skew of 5) only this one counts
    /// where nodes carry no zone.
    /// - Parameters:
    ///   - matching: pods of the same service on each feasible node, terminating ones left out.
    ///   - maximumSkew: the constraint's; 3 in the system's defaults.
    /// - Returns: one score for each node.
    public static func topologySpread(_ matching: [Int], maximumSkew: Int = 3) -> [Int] {
        let weight = log(Double(matching.count + 2))
        let raw = matching.map { Int((Double($0) * weight + Double(maximumSkew - 1)).rounded()) }
        guard let least = raw.min(), let most = raw.max() else { return [] }
        return raw.map { most == 0 ? greatest : greatest * (most + least - $0) / most }
    }
}
