import Cluster
import Foundation
import Settings
import Simulator
import Testing
import Workloads

@Suite struct SimulatedClusterTests {
    @Test func shippedSettingsLoad() throws {
        for name in ["training", "heldout"] {
            let settings = try SimulatorSettings.load(from: "configs/cluster/\(name).yaml")
            var cluster = try SimulatedCluster(settings: settings)
            cluster.reset(seed: 1)
            #expect(cluster.snapshot.nodes.count == 4)
            for _ in 0..<60 { _ = try cluster.advance() }
        }
    }
}
