import Watching
import Baselines
import Cluster
import Foundation
import Live
import Randomness
import Settings
import Simulator
import TrainingRuns
import Workloads

/// What `berth predict record` reads from its configuration file.
struct RecordConfiguration: Configurable, Equatable {
    /// Episodes to record.
    var episodes = 40
    /// Of those, from the first on, how many are played once more at the end on a live cluster, with the same load,
    /// interference and policy: they tell how well a p99 repeats.
    var repeats = 0
    /// Seed of the first episode; the others count up from it.
    var firstSeed: UInt64 = 4_000_000
    /// The family of clusters.
    var simulator = SimulatorSettings()
    /// A file to read `simulator` from instead; its path starts from the folder of this configuration.
    var simulatorFile = ""
    /// A live cluster instead of a simulated one.
    var live: LiveSettings?
    /// Interference on the live cluster, in place of `live.interferencePlan`.
    var interference: RandomInterference?
    /// Length of an episode, and legal actions.
    var episode = ClusterEnvironmentSettings()
    /// Policies that take turns from episode to episode.
    var policies = ["random+fixed", "random+hpa"]
    /// Settings of the policies.
    var baselines = BaselineSettings()
    /// Windows of a service on a node with fewer requests are left out.
    var minimumRequests = 100.0

    func validate() throws(SettingsError) {
        try require("episodes", episodes, in: 1...1_000_000)
        try require("repeats", repeats, in: 0...episodes)
        try require(
            "repeats", repeats == 0 || live != nil, must: "be 0 without live: the simulator repeats itself exactly")
        try require("firstSeed", firstSeed, in: 0...UInt64(Int64.max))
        try SimulatorFile.refuseBoth(simulator, simulatorFile)
        try require(
            "interference", interference == nil || live != nil,
            must: "be left out without live: the simulator has its own")
        try require("policies", notEmpty: policies)
        try require("minimumRequests", minimumRequests, in: 1...1e9)
        for (index, name) in policies.enumerated() where !Baseline.names.contains(name) {
            throw SettingsError(
                key: "policies[\(index)]", problem: "there is no baseline \"\(name)\"",
                hint: NearestName.hint(for: name, among: Baseline.names, what: "baselines"))
        }
    }

    /// Reads a configuration and the files that it may name.
    static func read(_ file: String, overrides: [String] = []) throws(SettingsError) -> RecordConfiguration {
        var configuration = try load(from: file, overrides: overrides)
        try SimulatorFile.read(&configuration.simulatorFile, into: &configuration.simulator, besides: file)
        configuration.live?.resolvePaths(besides: file)
        return configuration
    }

    /// Seeds and policies of the episodes, in order.
    var schedule: [(seed: UInt64, policy: String)] {
        let all = (0..<episodes).map { (firstSeed + UInt64($0), policies[$0 % policies.count]) }
        return all + all.prefix(repeats)
    }

    /// Tells what the episodes are: a fingerprint of all settings but their number, which counts only where repetitions come
    /// behind them, and of the manifests' contents. Where they lie and how the cluster is reached does not count.
    func origin() throws(SettingsError) -> String {
        var settings = self
        if repeats == 0 { settings.episodes = 1 }
        settings.live?.kubernetes = KubernetesSettings()
        settings.live?.auditLog = ""
        var fingerprint = Fingerprint()
        for index in live?.services.indices ?? 0..<0 {
            settings.live?.services[index].manifest = "manifest"
            let contents =
                (live?.services[index].manifest).flatMap { FileManager.default.contents(atPath: $0) } ?? Data()
            for byte in contents { fingerprint.add(UInt64(byte)) }
        }
        for byte in try settings.yaml().utf8 { fingerprint.add(UInt64(byte)) }
        return fingerprint.text
    }

    /// Length of a window in seconds.
    var windowSeconds: Double { live?.interval ?? simulator.interval }
}
