public import Baselines
public import Cluster
public import Live
public import Settings
public import Simulator
import TrainingRuns
public import Workloads

/// What `berth evaluate` reads from its configuration file.
public struct EvaluateConfiguration: Configurable, Equatable {
    /// Episodes of each policy under each load pattern.
    public var seeds = 20
    /// Seed of the first episode; the others count up from it.
    public var firstSeed: UInt64 = 2_000_000
    /// The family of clusters; its load patterns are replaced by each of `patterns` in turn.
    public var simulator = SimulatorSettings()
    /// A file to read `simulator` from instead; its path starts from the folder of this configuration.
    public var simulatorFile = ""
    /// A live cluster to play on instead of a simulated one; its services bring their own load patterns.
    public var live: LiveSettings?
    /// Length of an episode, legal actions and reward.
    public var episode = ClusterEnvironmentSettings()
    /// The load patterns.
    public var patterns: [LoadPattern] = [
        .spike(SpikeLoad()), .ramp(RampLoad()), .periodic(PeriodicLoad()), .random(RandomLoad()),
    ]
    /// Baselines to compare with, unless the command line names them.
    public var compared = ["default+hpa", "spread+hpa", "pack+hpa", "balanced+hpa", "random"]
    /// Targets of the HPA that the default scheduler is also shown with, so that the tuned one can be judged.
    public var comparedTargets: [Double] = []
    /// A predictor that the default scheduler with the HPA is also shown with: no pod goes to a node where its service's
    /// predicted p99 / objective is over `riskLimit`. Its path starts from the working directory. Empty: none. Not on a live
    /// cluster, where the extender does that.
    public var predictor = ""
    /// The limit.
    public var riskLimit = 1.0
    /// Settings of the baselines.
    public var baselines = BaselineSettings()
    /// How the HPA's target is chosen.
    public var tuning = TuningSettings()
    /// Weight of the extender in the scheduler's configuration, for the row in which the policy places through it.
    public var extenderWeight = 121
    /// Samples of the bootstrap.
    public var resamples = 10_000

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("seeds", seeds, in: 1...100_000)
        try require("firstSeed", firstSeed, in: 0...UInt64(Int64.max))
        try require("patterns", notEmpty: patterns)
        try require("comparedTargets", each: comparedTargets, in: 0.01...10)
        try require("riskLimit", riskLimit, above: 0)
        try require("predictor", predictor.isEmpty || live == nil, must: "be left out on a live cluster")
        try require("extenderWeight", extenderWeight, in: 1...1_000_000)
        try SimulatorFile.refuseBoth(simulator, simulatorFile)
        try require("resamples", resamples, in: 100...1_000_000)
        for (index, name) in compared.enumerated() where !Baseline.names.contains(name) {
            throw SettingsError(
                key: "compared[\(index)]", problem: "there is no baseline \"\(name)\"",
                hint: NearestName.hint(for: name, among: Baseline.names, what: "baselines"))
        }
    }

    /// Reads a configuration and the files that it may name.
    public static func read(_ file: String, overrides: [String] = []) throws(SettingsError) -> EvaluateConfiguration {
        var configuration = try load(from: file, overrides: overrides)
        try SimulatorFile.read(&configuration.simulatorFile, into: &configuration.simulator, besides: file)
        configuration.live?.resolvePaths(besides: file)
        if !configuration.tuning.configuration.isEmpty {
            configuration.tuning.configuration = SimulatorFile.path(configuration.tuning.configuration, besides: file)
        }
        return configuration
    }

    /// Names of the patterns in tables: their kinds, numbered where one appears twice.
    public var patternNames: [String] {
        patterns.indices.map { index in
            let kind = patterns[index].selected.kind
            let same = patterns.indices.filter { patterns[$0].selected.kind == kind }
            return same.count == 1 ? kind : "\(kind) \((same.firstIndex(of: index) ?? 0) + 1)"
        }
    }
}

/// How the HPA's target utilisation is chosen: the one with the best mean reward under the conditions of training, so
/// that the baseline is as good as this reward lets it be without having seen the conditions of the evaluation.
public struct TuningSettings: Configurable, Equatable {
    /// Configuration of a training run on clusters; its path starts from the folder of this configuration. Empty: no
    /// tuning.
    public var configuration = ""
    /// The targets to try.
    public var targets = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    /// Episodes for each target.
    public var seeds = 20
    /// Seed of the first of those episodes.
    public var firstSeed: UInt64 = 1_000_000

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("targets", notEmpty: targets)
        try require("targets", each: targets, in: 0.01...10)
        try require("seeds", seeds, in: 1...100_000)
        try require("firstSeed", firstSeed, in: 0...UInt64(Int64.max))
    }
}
