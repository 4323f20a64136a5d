import Baselines
import Cluster
import Foundation
import Gym
import Randomness
import Settings
import Simulator
import Testing
import Workloads

/// A feature that never varies in training is one that a policy can learn nothing of: what reads it later reads noise.
@Suite struct FeatureContractTests {
    /// The smallest and the largest value of each column that was observed.
    private struct Extremes {
        var columns: [String: ClosedRange<Float>] = [:]
        var decisions = 0

        mutating func take(_ rows: [Float], _ names: [String]) {
            for (index, name) in names.enumerated() {
                for position in stride(from: index, to: rows.count, by: names.count) {
                    let (value, old) = (rows[position], columns[name])
                    columns[name] = min(old?.lowerBound ?? value, value)...max(old?.upperBound ?? value, value)
                }
            }
        }

        mutating func take(_ batch: CandidateBatch) {
            let schema = ObservationEncoder.schema
            decisions += batch.count
            take(batch.contexts, schema.context.map { "context: \($0)" })
            take(batch.nodeRows, schema.node.map { "node: \($0)" })
            take(batch.candidateRows, schema.candidate.map { "candidate: \($0)" })
        }

        mutating func take(_ other: Extremes) {
            decisions += other.decisions
            for (name, range) in other.columns {
                let old = columns[name] ?? range
                columns[name] =
                    min(old.lowerBound, range.lowerBound)...max(old.upperBound, range.upperBound)
            }
        }

        var constant: Set<String> { Set(columns.filter { $0.value.lowerBound == $0.value.upperBound }.keys) }
    }

    /// Plays episodes of `family`: every other one with the HPA in control, otherwise whatever is legal at random.
    private func extremes(of family: SimulatorSettings, episodes: Int, intervals: Int) throws -> Extremes {
        var settings = ClusterEnvironmentSettings()
        settings.intervals = intervals
        let cluster = ClusterEnvironment(backend: try SimulatedCluster(settings: family), settings: settings, seed: 1)
        var environment = ControlledEnvironment(cluster, controller: HorizontalPodAutoscaler(), share: 0.5, seed: 1)
        var generator = RandomGenerator(seed: 7)
        var extremes = Extremes()
        var batch = CandidateBatch(space: ObservationEncoder.space)
        for episode in 0..<episodes {
            batch.removeAll()
            try environment.reset(seed: UInt64(episode), appendingTo: &batch)
            var isOver = false
            while !isOver {
                // Half of the time nothing is done, so that episodes are no series of disruptions.
                let count = environment.actionSpace.count
                let isPlacement = if case .placement = environment.base.decision?.kind { true } else { false }
                let action = isPlacement || generator.chance(0.5) ? generator.index(below: count) : 0
                isOver = try environment.step(action, appendingTo: &batch).truncated
            }
            extremes.take(batch)
        }
        return extremes
    }

    /// The simulator's section of the configuration that the testbed's comparison trains with.
    private func testbedTraining() throws -> SimulatorSettings {
        let lines = try String(contentsOfFile: "scripts/testbed/train.yaml", encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: true)
        let section = lines.drop { $0 != "  simulator:" }.dropFirst().prefix { $0.hasPrefix("    ") }
        try #require(section.count > 20)
        return try SimulatorSettings.decode(yaml: section.map { $0.dropFirst(4) }.joined(separator: "\n"))
    }

    private func shipped(_ name: String) throws -> SimulatorSettings {
        try SimulatorSettings.load(from: "configs/cluster/\(name)")
    }

    /// What varies in no family, and why that is as it should be.
    private static let neverVaries = [
        "context: pending pod: requests no cpu":
            "replicas of a simulated service request CPU, which load and scaling follow from; the extender meets others"
    ]

    @Test func everyFeatureVaries() throws {
        let others = try FileManager.default.contentsOfDirectory(atPath: "configs/cluster")
            .filter { $0.hasSuffix(".yaml") && $0 != "training.yaml" }.sorted()
        try #require(others.count >= 2)
        // Long enough for nodes to be lost.
        let training = try extremes(of: shipped("training.yaml"), episodes: 40, intervals: 60)
        for feature in [
            "log2(rate / rate before)", "both rates are measured", "is resized in place",
            "age of cpu used / interval", "disruptions allowed / desired replicas", "pods / most pods",
        ] {
            let columns = training.columns.keys.filter { $0.hasSuffix(feature) }
            #expect(!columns.isEmpty && training.constant.isDisjoint(with: columns), "\(feature)")
        }
        var all = training
        for file in others { all.take(try extremes(of: shipped(file), episodes: 16, intervals: 60)) }
        all.take(try extremes(of: testbedTraining(), episodes: 16, intervals: 60))
        let schema = ObservationEncoder.schema
        #expect(all.columns.count == schema.context.count + schema.node.count + schema.candidate.count)
        #expect(all.constant == Set(Self.neverVaries.keys))
        #expect(all.decisions > 8000)
    }
}
