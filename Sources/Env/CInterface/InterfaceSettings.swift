import Cluster
import Settings
import Simulator
import Workloads

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
    var view = ViewSettings()

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
    func makeView() throws(SettingsError) -> FlatView {
        let nodes = try Self.size(
            view.nodes, most: simulator.nodes.count, limit: ViewSettings.mostNodes, of: "nodes")
        let services = try Self.size(
            view.services, most: simulator.services.count, limit: ViewSettings.mostServices, of: "services")
        return FlatView(nodes: nodes, services: services, rules: episode.actions)
    }

    /// The size that was asked for, or that of the largest cluster drawn.
    private static func size(
        _ asked: Int?, most count: ValueRange, limit: Int, of what: String
    ) throws(SettingsError) -> Int {
        // As `drawInteger` draws; the settings have been checked, so both bounds are finite and not large.
        let most = max(Int(count.lower.rounded(.up)), Int(count.upper.rounded(.down)))
        guard most <= limit else {
            throw SettingsError(
                key: "simulator.\(what).count", problem: "up to \(most) do not fit into a flat view of \(limit)",
                hint: "agents with a list of candidates have no such limit")
        }
        guard let asked else { return most }
        guard asked >= most else {
            throw SettingsError(
                key: "view.\(what)",
                problem: "must be at least \(most), the most that simulator.\(what).count draws, found \(asked)",
                hint: "leave it out for a view of just that size")
        }
        return asked
    }
}

/// Size of the flat view.
struct ViewSettings: Configurable, Equatable {
    /// Nodes that it holds. Absent: as many as the largest cluster has.
    var nodes: Int?
    /// Services that it holds. Absent: as many as there are at most.
    var services: Int?

    static let mostNodes = 1024
    static let mostServices = 256

    func validate() throws(SettingsError) {
        if let nodes { try require("nodes", nodes, in: 1...Self.mostNodes) }
        if let services { try require("services", services, in: 1...Self.mostServices) }
    }
}
