public import Cluster
public import Settings
import Workloads

/// Size of the flat view of a family of simulated clusters.
public struct FlatViewSettings: Configurable, Equatable {
    /// Nodes that it holds. Absent: as many as the largest cluster has.
    public var nodes: Int?
    /// Services that it holds. Absent: as many as there are at most.
    public var services: Int?

    private static let mostNodes = 1024
    private static let mostServices = 256

    /// A view of just the size that the largest cluster needs.
    public init() {}

    public func validate() throws(SettingsError) {
        if let nodes { try require("nodes", nodes, in: 1...Self.mostNodes) }
        if let services { try require("services", services, in: 1...Self.mostServices) }
    }

    /// The view that holds every cluster of the family.
    /// - Parameter rules: of the episodes.
    /// - Throws: `SettingsError` when the view that is asked for does not, or would be too large. Its key begins with
    ///   `view` or `simulator`.
    public func makeView(of simulator: SimulatorSettings, rules: ActionRules) throws(SettingsError) -> FlatView {
        FlatView(
            nodes: try Self.size(nodes, most: simulator.nodes.count, limit: Self.mostNodes, of: "nodes"),
            services: try Self.size(
                services, most: simulator.services.count, limit: Self.mostServices, of: "services"),
            rules: rules)
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
