import Cluster
import Settings
import Simulator

/// The environment that a caller asks for: what `environment:` holds in a configuration for training in a simulated
/// cluster, without what belongs to training, and with the size of the flat view.
struct InterfaceSettings: Configurable, Equatable {
    /// The family of clusters that episodes are drawn from.
    var simulator = SimulatorSettings()
    /// A file to read `simulator` from instead; its path starts from the folder that the caller names.
    var simulatorFile = ""
    /// Length of an episode, legal actions and reward.
    var episode = ClusterEnvironmentSettings()
    /// Size of the flat view.
    var view = FlatViewSettings()

    func validate() throws(SettingsError) {
        guard !simulatorFile.isEmpty, simulator != SimulatorSettings() else { return }
        throw SettingsError(key: "simulatorFile", problem: "is given beside simulator", hint: "give one of them")
    }

    /// Reads `simulatorFile`, where one is named, into `simulator`.
    /// - Parameter folder: where its path starts; empty for the working directory.
    mutating func readSimulatorFile(from folder: String) throws(SettingsError) {
        guard !simulatorFile.isEmpty else { return }
        let path = folder.isEmpty || simulatorFile.hasPrefix("/") ? simulatorFile : "\(folder)/\(simulatorFile)"
        simulator = try SimulatorSettings.load(from: path)
        simulatorFile = ""
    }

    /// The view that holds every cluster of the family.
    /// - Throws: `SettingsError` when the view that is asked for does not, or would be too large.
    func makeView() throws(SettingsError) -> FlatView { try view.makeView(of: simulator, rules: episode.actions) }
}
