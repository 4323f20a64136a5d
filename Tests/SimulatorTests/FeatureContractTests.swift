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
    /// Values of one column that were observed.
    private struct Column {
        private(set) var range: ClosedRange<Float>?
        private var count = 0.0
        private var sum = 0.0
        private var squares = 0.0

        var mean: Double { sum / count }
        var deviation: Double { max(0, squares / count - mean * mean).squareRoot() }
        var isConstant: Bool { range.map { $0.lowerBound == $0.upperBound } ?? true }

        mutating func take(_ value: Float) {
            range = min(range?.lowerBound ?? value, value)...max(range?.upperBound ?? value, value)
            (count, sum, squares) = (count + 1, sum + Double(value), squares + Double(value) * Double(value))
        }

        mutating func take(_ other: Column) {
            guard let others = other.range else { return }
            range =
                min(
                    range?.lowerBound ?? others.lowerBound, others.lowerBound)...max(
                    range?.upperBound ?? others.upperBound, others.upperBound)
            (count, sum, squares) = (count + other.count, sum + other.sum, squares + other.squares)
        }
    }

    /// The values of all columns that were observed.
    private struct Observations {
        var columns: [String: Column] = [:]
        var decisions = 0

        mutating func take(_ rows: [Float], _ names: [String]) {
            for (index, name) in names.enumerated() where index < rows.count {
                var column = columns.removeValue(forKey: name) ?? Column()
                for position in stride(from: index, to: rows.count, by: names.count) { column.take(rows[position]) }
                columns[name] = column
            }
        }

        mutating func take(_ batch: CandidateBatch) {
            let schema = ObservationEncoder.schema
            decisions += batch.count
            take(batch.contexts, schema.context.map { "context: \($0)" })
            take(batch.nodeRows, schema.node.map { "node: \($0)" })
            take(batch.candidateRows, schema.candidate.map { "candidate: \($0)" })
        }

        mutating func take(_ other: Observations) {
            decisions += other.decisions
            for (name, column) in other.columns { columns[name, default: Column()].take(column) }
        }

        var constant: Set<String> { Set(columns.filter { $0.value.isConstant }.keys) }
    }

    /// Plays episodes of `family`: every other one with the HPA in control, otherwise whatever is legal at random.
    private func observations(of family: SimulatorSettings, episodes: Int, intervals: Int) throws -> Observations {
        var settings = ClusterEnvironmentSettings()
        settings.intervals = intervals
        let cluster = ClusterEnvironment(backend: try SimulatedCluster(settings: family), settings: settings, seed: 1)
        var environment = ControlledEnvironment(cluster, controller: HorizontalPodAutoscaler(), share: 0.5, seed: 1)
        var generator = RandomGenerator(seed: 7)
        var observations = Observations()
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
            observations.take(batch)
        }
        return observations
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
        let training = try observations(of: shipped("training.yaml"), episodes: 40, intervals: 60)
        for feature in [
            "log2(rate / rate before)", "both rates are measured", "is resized in place",
            "age of cpu used / interval", "disruptions allowed / desired replicas", "pods / most pods",
        ] {
            let columns = training.columns.keys.filter { $0.hasSuffix(feature) }
            #expect(!columns.isEmpty && training.constant.isDisjoint(with: columns), "\(feature)")
        }
        var all = training
        for file in others { all.take(try observations(of: shipped(file), episodes: 16, intervals: 60)) }
        all.take(try observations(of: testbedTraining(), episodes: 16, intervals: 60))
        let schema = ObservationEncoder.schema
        #expect(all.columns.count == schema.context.count + schema.node.count + schema.candidate.count)
        #expect(all.constant == Set(Self.neverVaries.keys))
        #expect(all.decisions > 8000)
    }

    // MARK: Recorded live episodes

    /// Episodes on the testbed, of the policy that configs/train/testbed.yaml trains, played once more:
    ///
    ///     berth evaluate --policy runs/testbed --config experiments/live/testbed.yaml --seeds 1 \
    ///         --set live.recording=testbed.jsonl
    private func recorded() throws -> Observations {
        let file = URL(filePath: "Tests/SimulatorTests/Fixtures/testbed.jsonl")
        var observations = Observations()
        for episode in try RecordedCluster.episodes(in: Data(contentsOf: file)) {
            var settings = ClusterEnvironmentSettings()
            settings.intervals = 1000
            var environment = ClusterEnvironment(backend: episode, settings: settings, seed: 0)
            var batch = CandidateBatch(space: ObservationEncoder.space)
            try environment.reset(seed: 0, appendingTo: &batch)
            var isOver = false
            while !isOver, let action = environment.backend.next {
                // The list is today's, of the recorded snapshot: what was chosen then has to be on it.
                let index = try #require(environment.decision?.candidates.firstIndex(of: action), "\(action)")
                isOver = try environment.step(index, appendingTo: &batch).truncated
            }
            observations.take(batch)
        }
        return observations
    }

    private static let ageOfP99 =
        "the load generator's figures are there when the interval ends, in training and in life; what they are older in life is "
        + "the time that deciding takes, at most a few hundredths of an interval. A constant of training has no weight"
    /// What varies in the recording and not in training, and why that does no harm.
    private static let onlyLive = [
        "candidate: service: age of p99 / interval": ageOfP99,
        "context: mean over services: age of p99 / interval": ageOfP99,
        "context: max over services: age of p99 / interval": ageOfP99,
    ]
    private static let measured = "cadvisor answered throughout these episodes; in training it fails in a tenth of them"
    /// What varies in training and not in the recording, and why.
    private static let onlySimulated = [
        "node: memory used is measured": measured,
        "node: cpu used is measured": measured,
        "context: cpu used is measured": measured,
    ]
    private static let memory =
        "what the family's one service requests is written down as 0.03 GiB, and is 32 MiB. A constant of training has no weight"
    /// What has other values in the recording than in training, and why that does no harm.
    private static let apart = [
        "context: mean over services: age of p99 / interval": ageOfP99,
        "context: max over services: age of p99 / interval": ageOfP99,
        "context: mean over services: memory request / mean allocatable of a node": memory,
        "context: max over services: memory request / mean allocatable of a node": memory,
    ]
    /// What was further from the mean of training than five deviations, and why.
    private static let unfamiliar = [
        "context: pending pod: log2(1 + age / interval)":
            "most pods of training are placed as soon as they are there; one that a rollout makes after a decision waits for "
            + "the next, as all do in training too"
    ]

    /// A live episode shows what training showed: the same columns vary, in ranges that overlap.
    @Test func aLiveEpisodeIsFamiliar() throws {
        let live = try recorded()
        let training = try observations(of: shipped("testbed.yaml"), episodes: 200, intervals: 24)
        #expect(live.decisions > 30)
        let names = Set(training.columns.keys)
        #expect(names == Set(live.columns.keys))
        #expect(training.constant.subtracting(live.constant) == Set(Self.onlyLive.keys))
        #expect(live.constant.subtracting(training.constant) == Set(Self.onlySimulated.keys))
        var (strange, distant): (Set<String>, Set<String>) = ([], [])
        for name in names {
            guard let seen = live.columns[name], let trained = training.columns[name], let range = seen.range,
                let trainedRange = trained.range
            else { continue }
            if !range.overlaps(trainedRange) {
                distant.insert(name)
                if Self.apart[name] == nil { Issue.record("\(name): \(range) live, \(trainedRange) in training") }
            }
            // Without weight, whatever it is.
            guard !trained.isConstant else { continue }
            let scores = [range.lowerBound, range.upperBound].map { (Double($0) - trained.mean) / trained.deviation }
            guard scores.contains(where: { abs($0) > 5 }) else { continue }
            strange.insert(name)
            if Self.unfamiliar[name] == nil { Issue.record("\(name): \(scores) deviations from the mean of training") }
            #expect(range.upperBound <= trainedRange.upperBound, "\(name): more than ever in training")
        }
        #expect(distant == Set(Self.apart.keys) && distant.allSatisfy { training.constant.contains($0) })
        #expect(strange == Set(Self.unfamiliar.keys))
    }
}
