public import Randomness
public import Settings

/// What a batch job takes from its neighbours, as stress-ng's and iBench's sources do.
public enum InterferenceSource: String, Sendable, Codable, CaseIterable {
    /// CPU time and, on shared cores, issue slots.
    case cpu
    /// Last-level cache.
    case lastLevelCache
    /// Memory bandwidth.
    case memoryBandwidth
    /// Memory.
    case memoryCapacity
}

/// A kind of batch job, as ranges to draw jobs from.
public struct BatchJobKind: Configurable, Equatable {
    /// Prefix of the pods' names.
    public var name = "burn"
    /// The resource that the job is after.
    public var source = InterferenceSource.cpu
    /// How much it takes of `source`: MiB of cache, GB/s of bandwidth, or GiB of memory; cores for `cpu`.
    public var intensity = ValueRange(1, 3)
    /// Cores that it burns beside, for sources other than `cpu`.
    public var cores = ValueRange(0.5, 1.5)
    /// Probability that a job requests nothing at all.
    public var requestsNothing = 0.5
    /// What the others request / what they take, of CPU and of memory.
    public var requestedShare = ValueRange(0.1, 0.6)
    /// Mean of the duration in seconds.
    public var duration = ValueRange(200, 600)
    /// Squared coefficient of variation of the duration, which is log-normal.
    public var squaredVariation = 0.5
    /// How often this kind is drawn, relative to the others.
    public var weight = 1.0

    /// Jobs that burn CPU.
    public init() {}

    /// Jobs after `source`.
    public init(name: String, source: InterferenceSource, intensity: ValueRange, cores: ValueRange) {
        self.name = name
        self.source = source
        self.intensity = intensity
        self.cores = cores
    }

    public func validate() throws(SettingsError) {
        try require("name", notEmpty: name)
        try require("intensity", intensity, in: 0...)
        try require("cores", cores, in: 0...)
        try require("requestsNothing", requestsNothing, in: 0...1)
        try require("requestedShare", requestedShare, in: 0...1)
        try require("duration", duration, above: 0)
        try require("squaredVariation", squaredVariation, in: 0...100)
        try require("weight", weight, in: 0...)
    }

    /// Mean of the cores that a job of this kind burns.
    public var meanCores: Double { source == .cpu ? intensity.middle : cores.middle }

    /// Draws a job.
    public func draw(using generator: inout RandomGenerator) -> BatchJob {
        let intensity = intensity.draw(using: &generator)
        let cores = source == .cpu ? intensity : cores.draw(using: &generator)
        var job = BatchJob(cores: cores, memory: 0.1e9)
        switch source {
        case .cpu: break
        case .lastLevelCache: job.cache = intensity * 1_048_576
        case .memoryBandwidth: job.memoryBandwidth = intensity * 1e9
        case .memoryCapacity: job.memory = intensity * 1_073_741_824
        }
        // Every job touches some cache and memory.
        job.cache = max(job.cache, 0.5 * 1_048_576 * cores)
        job.memoryBandwidth = max(job.memoryBandwidth, 0.2e9 * cores)
        let requestsNothing = generator.chance(requestsNothing)
        let share = requestedShare.draw(using: &generator)
        if !requestsNothing {
            job.requestedCores = cores * share
            job.requestedMemory = job.memory * share
        }
        job.duration = generator.logNormal(
            mean: duration.draw(using: &generator), squaredVariation: squaredVariation)
        return job
    }
}

/// One batch job: what it takes, what it says it needs, and how long it runs.
public struct BatchJob: Sendable, Hashable, Codable {
    /// Cores that it burns when it gets them.
    public var cores: Double
    /// Bytes of last-level cache that it touches again and again.
    public var cache = 0.0
    /// Memory traffic in bytes/s.
    public var memoryBandwidth = 0.0
    /// Memory in bytes.
    public var memory: Double
    /// Cores that it requests; 0 for none.
    public var requestedCores = 0.0
    /// Bytes that it requests; 0 for none.
    public var requestedMemory = 0.0
    /// Seconds that it runs.
    public var duration = 0.0

    /// A job that requests nothing.
    public init(cores: Double, memory: Double) {
        self.cores = cores
        self.memory = memory
    }
}
