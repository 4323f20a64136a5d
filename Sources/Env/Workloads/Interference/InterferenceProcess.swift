import Foundation
public import Randomness

/// The arrivals of batch jobs in one episode: a Poisson process of groups of jobs.
public struct InterferenceProcess: Sendable, Equatable, Codable {
    /// Groups of jobs per second.
    public let rate: Double
    /// Weight of each node for random placement and of those before it.
    let cumulativeWeights: [Double]
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
        var total = 0.0
        cumulativeWeights = (0..<nodes).map { _ in
            total += pow(generator.exponential(rate: 1), skew)
            return total
        }
        totalWeight = settings.kinds.reduce(0) { $0 + $1.weight }
        // Core-seconds that a group of jobs burns on average.
        let burn = settings.kinds.reduce(0) { $0 + $1.weight * $1.meanCores * $1.duration.middle }
        let work = totalWeight > 0 ? burn / totalWeight * settings.together.middle : 0
        rate = work > 0 ? load * cores / work : 0
        self.generator = generator.split()
        nextGroup = -1
        if rate > 0 { nextGroup = self.generator.exponential(rate: rate) }
    }

    /// When the next jobs arrive, in seconds of the episode; infinite for never.
    public var nextArrival: Double { rate > 0 ? nextGroup : .infinity }

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

    /// Draws nodes for one job, by weight, with repetition. It takes the same from this process's generator whatever is
    /// drawn from it.
    public mutating func chooser() -> NodeChooser {
        NodeChooser(cumulativeWeights: cumulativeWeights, generator: generator.split())
    }
}

/// The nodes that a batch job tries, in order.
public struct NodeChooser: Sendable {
    let cumulativeWeights: [Double]
    var generator: RandomGenerator

    /// The next node to try. Cost: O(log nodes).
    public mutating func next() -> Int {
        let draw = generator.uniform() * (cumulativeWeights.last ?? 0)
        var (low, high) = (0, cumulativeWeights.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulativeWeights[middle] > draw { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
