import Cluster

/// What one pod claims of its node's CPU.
struct CoreClaim: Sendable {
    var demand: Double
    var weight: Double
    var pod: Int
}

/// Who gets how much of a node.
extension SimulatedCluster {
    /// Works out demand, slow-down and capacity of every bound pod for a stretch of `duration` seconds, and adds what
    /// the nodes use to their integrals. Cost: O(pods), on a congested node O(pods of the node squared).
    mutating func shareNodes(for duration: Double) {
        // Taken out for the loop: spans of them are held while the rest of the state changes.
        var pods: [PodLoad] = []
        var models: [NodeModel] = []
        var groups: [Int] = []
        swap(&pods, &state.loads)
        swap(&models, &state.nodes)
        swap(&groups, &scratch.order)
        var loads = pods.mutableSpan
        var nodes = models.mutableSpan
        for node in nodes.indices {
            let group = scratch.starts[node]..<scratch.starts[node + 1]
            shareNode(&nodes[node], group, &loads, groups.span, for: duration)
        }
        swap(&pods, &state.loads)
        swap(&models, &state.nodes)
        swap(&groups, &scratch.order)
    }

    private mutating func shareNode(
        _ model: inout NodeModel, _ group: Range<Int>, _ loads: inout MutableSpan<PodLoad>, _ order: Span<Int>,
        for duration: Double
    ) {
        guard model.isUp else {
            for slot in group { loads[order[slot]].demand = 0 }
            return
        }
        let cores = model.cores - model.reserved.cpu
        // What each pod would use without contention, and the pressure of all of them.
        var wanted = model.reserved.cpu
        var cache = 0.0
        var traffic = 0.0
        var memory = model.reserved.memory
        for slot in group {
            let pod = order[slot]
            let load = loads[pod]
            memory += load.memory
            var demand = 0.0
            if load.service < 0 {
                demand = load.limit
            } else if load.isReady {
                let service = state.services[load.service]
                demand = service.rate / Double(max(1, service.ready)) * service.meanServiceTime / model.speed
                demand = min(load.limit, demand)
            }
            loads[pod].demand = demand
            wanted += demand
            cache += load.cache * min(1, demand)
            traffic += load.bandwidthPerCore * demand
        }
        // Pods that get less CPU than they want press less.
        let granted = min(1, model.cores / wanted)
        let contention = settings.contention
        var total = 0.0
        for slot in group {
            let pod = order[slot]
            let load = loads[pod]
            guard load.service >= 0, load.isReady else {
                total += load.demand
                continue
            }
            let service = state.services[load.service]
            let others = (wanted - load.demand) * granted / model.cores
            let otherCache = (cache - load.cache * min(1, load.demand)) / model.cache
            let otherTraffic = (traffic - load.bandwidthPerCore * load.demand) * granted / model.bandwidth
            let slowdown =
                1 + service.cpuSensitivity * Self.pressure(others, contention.cpuHalfPoint)
                + service.cacheSensitivity * Self.pressure(otherCache, contention.cacheHalfPoint)
                + service.bandwidthSensitivity * Self.pressure(otherTraffic, contention.bandwidthHalfPoint)
            loads[pod].slowdown = slowdown
            loads[pod].demand = min(load.limit, load.demand * slowdown)
            total += loads[pod].demand
        }
        let used = divide(cores, among: group, total: total, &loads, order, for: duration)
        let share = total > 0 ? used / total : 0
        let actualTraffic = min(model.bandwidth, traffic * share)
        let missing = Self.pressure(cache / model.cache, contention.cacheHalfPoint)
        let stalled = Self.pressure(actualTraffic / model.bandwidth, contention.bandwidthHalfPoint)
        let crowded = Self.pressure((used + model.reserved.cpu) / model.cores, contention.cpuHalfPoint)
        model.truth.cpu += (used + model.reserved.cpu) * duration
        model.truth.memory += memory * duration
        model.truth.bandwidth += actualTraffic * duration
        model.truth.missRatio += (0.05 + 0.75 * missing) * duration
        model.truth.instructionsPerCycle +=
            2.2 / (1 + 0.5 * missing + 0.7 * stalled + 0.3 * crowded) * duration
    }

    /// g of `ContentionSettings`.
    @inline(__always)
    private static func pressure(_ value: Double, _ halfPoint: Double) -> Double {
        let square = value * value
        return square / (square + halfPoint * halfPoint)
    }

    /// Divides `cores` as CFS does: by weight, nobody more than it wants, what is left over by weight again.
    ///
    /// A replica's capacity is what it has while it is busy: its share when it wants all that its workers and its
    /// limit allow and everyone else wants what it wants on average.
    /// - Returns: cores used on average.
    private mutating func divide(
        _ cores: Double, among group: Range<Int>, total: Double, _ loads: inout MutableSpan<PodLoad>,
        _ order: Span<Int>, for duration: Double
    ) -> Double {
        var claimed = false
        var used = 0.0
        var level = 0.0
        for slot in group {
            let pod = order[slot]
            let load = loads[pod]
            if load.service >= 0, load.isReady {
                if total - load.demand + load.limit <= cores {
                    loads[pod].capacity = load.limit
                } else {
                    if !claimed {
                        collectClaims(group, loads.span, order)
                        claimed = true
                    }
                    let own = CoreClaim(demand: load.limit, weight: load.weight, pod: pod)
                    loads[pod].capacity = max(
                        1e-3, min(load.limit, load.weight * Self.level(cores, scratch.sharing, with: own)))
                }
            }
        }
        if total > cores {
            if !claimed { collectClaims(group, loads.span, order) }
            level = Self.level(cores, scratch.sharing, with: nil)
        }
        for slot in group {
            let pod = order[slot]
            let load = loads[pod]
            let use = total > cores ? min(load.demand, load.weight * level) : load.demand
            used += use
            loads[pod].used += use * duration
        }
        return used
    }

    /// The claims of a node's pods, the soonest satisfied first.
    private mutating func collectClaims(_ group: Range<Int>, _ loads: Span<PodLoad>, _ order: Span<Int>) {
        scratch.sharing.removeAll()
        for slot in group {
            let load = loads[order[slot]]
            let claim = CoreClaim(demand: load.demand, weight: load.weight, pod: order[slot])
            var place = scratch.sharing.count
            scratch.sharing.append(claim)
            while place > 0 {
                let before = scratch.sharing[place - 1]
                guard before.demand * claim.weight > claim.demand * before.weight else { break }
                scratch.sharing[place] = before
                place -= 1
            }
            scratch.sharing[place] = claim
        }
    }

    /// Cores per weight that a claim not satisfied gets, by filling up from the claim satisfied first.
    /// - Parameter own: takes the place of its pod's claim.
    private static func level(_ cores: Double, _ claims: ReusedArray<CoreClaim>, with own: CoreClaim?) -> Double {
        var remaining = cores
        var weight = own?.weight ?? 0
        for index in claims.indices where claims[index].pod != own?.pod { weight += claims[index].weight }
        for index in claims.indices where claims[index].pod != own?.pod {
            let claim = claims[index]
            guard claim.demand * weight < claim.weight * remaining else { break }
            remaining -= claim.demand
            weight -= claim.weight
        }
        return max(0, remaining) / max(weight, 1e-12)
    }
}
