import Foundation
public import Randomness

/// The arrivals of batch jobs in one episode: a Poisson process of groups of jobs.
public struct InterferenceProcess: Sendable, Equatable, Codable {
    /// Groups of jobs per second.
    public let rate: Double
    /// Weight of each node for random placement.
    public let nodeWeights: [Double]
    let settings: InterferenceSettings
    let totalWeight: Double
    var nextGroup: Double
    var generator: RandomGenerator

    /// Draws the process of an episode.
    /// - Parameters:
    ///   - cores: cores of the cluster.
    ///   - nodes: number of nodes.
    public init(
        _ settings: InterferenceSettings, cores: Double, nodes: Int, using generator: inout RandomGenerator
    ) {
        self.settings = settings
        let load = settings.load.draw(using: &generator)
        let skew = settings.nodeSkew.draw(using: &generator)
        nodeWeights = (0..<nodes).map { _ in pow(generator.exponential(rate: 1), skew) }
        totalWeight = settings.kinds.reduce(0) { $0 + $1.weight }
        // Core-seconds that a group of jobs burns on average.
        let burn = settings.kinds.reduce(0) { $0 + $1.weight * $1.meanCores * $1.duration.middle }
        let work = totalWeight > 0 ? burn / totalWeight * settings.together.middle : 0
        rate = work > 0 ? load * cores / work : 0
        self.generator = generator.split()
        nextGroup = -1
        if rate > 0 { nextGroup = self.generator.exponential(rate: rate) }
    }

    /// Number of jobs that arrive before `time`, in seconds of the episode, since the last call.
    public mutating func arrivals(before time: Double) -> Int {
        var jobs = 0
        while rate > 0, nextGroup < time {
            jobs += settings.together.drawInteger(using: &generator)
            nextGroup += generator.exponential(rate: rate)
        }
        return jobs
    }

    /// Draws a job, of a kind drawn by weight.
    /// - Returns: the index of its kind, and the job.
    public mutating func drawJob() -> (kind: Int, job: BatchJob) {
        var remaining = generator.uniform() * totalWeight
        var kind = 0
        while kind < settings.kinds.count - 1, remaining >= settings.kinds[kind].weight {
            remaining -= settings.kinds[kind].weight
            kind += 1
        }
        return (kind, settings.kinds[kind].draw(using: &generator))
    }

    /// Draws one of the nodes that `weight` gives more than 0; `nil` when there is none.
    public mutating func drawNode(weight: (Int) -> Double) -> Int? {
        // One draw whatever the weights, so that what comes later does not depend on them.
        let draw = generator.uniform()
        var total = 0.0
        for node in nodeWeights.indices { total += weight(node) }
        guard total > 0 else { return nil }
        var remaining = draw * total
        var last: Int?
        for node in nodeWeights.indices {
            let own = weight(node)
            guard own > 0 else { continue }
            if remaining < own { return node }
            remaining -= own
            last = node
        }
        return last
    }
}
