public import Cluster
import Learning
public import Settings
public import Simulator

/// A simulated cluster through the flat view, as an environment to train in: for comparisons with learners in Python,
/// which see the same. Policies of it are not served.
public struct FlatClusterTrainSettings: Configurable, Equatable {
    /// What discounts are of.
    public enum Discounting: String, Codable, Sendable, CaseIterable {
        /// Control intervals: actions that take no time cost nothing.
        case intervals
        /// Steps, whatever time they take: as most learners in Python do.
        case steps
    }

    /// The family of clusters that episodes are drawn from.
    public var simulator = SimulatorSettings()
    /// A file to read `simulator` from instead; its path starts from the folder of this configuration.
    public var simulatorFile = ""
    /// Length of an episode, legal actions and reward.
    public var episode = ClusterEnvironmentSettings()
    /// Size of the flat view.
    public var view = FlatViewSettings()
    /// What the algorithm's discounts are of.
    public var discounting = Discounting.intervals
    /// Episodes that the trained policy plays at the end, and whenever `evaluation.everySteps` asks for it, always taking
    /// its best action; they are of the same family. 0 for none.
    public var evaluationEpisodes = 0
    /// Seed of the first of those episodes; the others count up from it.
    public var evaluationSeed: UInt64 = 1_000_000

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("evaluationEpisodes", evaluationEpisodes, in: 0...1_000_000)
        try require("evaluationSeed", evaluationSeed, in: 0...UInt64(Int64.max))
        try SimulatorFile.refuseBoth(simulator, simulatorFile)
    }

    /// The view that holds every cluster of the family.
    func makeView() throws(SettingsError) -> FlatView {
        do {
            return try view.makeView(of: simulator, rules: episode.actions)
        } catch {
            throw SettingsError(key: "environment.\(error.key)", problem: error.problem, hint: error.hint)
        }
    }
}

extension EnvironmentKind {
    /// Placing pods and scaling services in a simulated cluster through the flat view, as learners in Python see it.
    static let flatCluster = EnvironmentKind(
        "flat-cluster", FlatClusterTrainSettings.self,
        readingFiles: { settings, file throws(SettingsError) in
            try SimulatorFile.read(&settings.simulatorFile, into: &settings.simulator, besides: file)
        }
    ) { settings, _ in
        let view = try settings.makeView()
        // Making a simulator checks its settings, which takes far longer than a copy.
        let cluster = try SimulatedCluster(settings: settings.simulator)
        let seeds = (0..<UInt64(settings.evaluationEpisodes)).map { settings.evaluationSeed + $0 }
        return .masked(view, seeds: seeds) { range in
            MaskedEnvironmentGroup(
                range.map { index in
                    FlatClusterEnvironment(
                        ClusterEnvironment(backend: cluster, settings: settings.episode, seed: UInt64(index)),
                        view: view)
                }, countsSteps: settings.discounting == .steps)
        }
    }
}
