public import Settings

/// What a stress pod takes of its node, as the simulator plays it: turns interference specifications into batch jobs.
///
/// | source | cores that it burns | what it presses on |
/// |---|---|---|
/// | cpu | level · workers | CPU |
/// | lastLevelCache | level · workers | `cacheMiB` while it runs |
/// | memoryBandwidth | `bandwidthCores` · level · workers | the MB/s that the specification asks for |
/// | memoryCapacity | workers | the memory that it holds, a level being a share of a quarter of the node's |
public struct StressCost: Configurable, Equatable {
    /// Last-level cache that a cache worker touches again and again, in MiB: all of it, since that is what stress-ng
    /// sizes its buffer by.
    public var cacheMiB = 32.0
    /// Cores that a bandwidth worker burns at level 1, as fitted on the testbed (experiments/calibration).
    public var bandwidthCores = 0.2509

    /// What was fitted on the testbed.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("cacheMiB", cacheMiB, above: 0)
        try require("bandwidthCores", bandwidthCores, in: 0...64)
    }

    /// The batch job that stands for a specification on a node.
    /// - Parameters:
    ///   - specification: a valid one.
    ///   - nodeMemory: the node's memory in bytes.
    /// - Returns: `nil` for a source that the simulator does not model.
    public func job(_ specification: InterferenceSpecification, nodeMemory: Double) -> BatchJob? {
        let workers = Double(specification.workers)
        var job = BatchJob(cores: workers, memory: 0.02e9 * workers)
        switch specification.source {
        case .cpu: job.cores = specification.amount ?? workers * (specification.level ?? 1)
        case .lastLevelCache:
            job.cores = workers * (specification.level ?? 1)
            job.cache = cacheMiB * 1_048_576
        case .memoryBandwidth:
            let full = workers * specification.fullBandwidth
            let rate = specification.amount ?? full * (specification.level ?? 1)
            job.cores = bandwidthCores * workers * min(1, rate / full)
            job.memoryBandwidth = rate * 1e6
        case .memoryCapacity:
            job.memory = specification.amount.map { $0 * 1_048_576 } ?? nodeMemory / 4 * (specification.level ?? 1)
        case .l1d, .l1i, .network, .disk: return nil
        }
        job.requestedCores = specification.cpuRequest
        job.requestedMemory = specification.memoryRequest * 1_048_576
        job.duration = specification.duration
        return job
    }
}
