import Baselines
import Cluster
import Foundation
import Randomness
import Simulator
import Synchronization
import Testing
import Tournaments

@Suite struct BootstrapTests {
    @Test func theIntervalIsThatOfTheNormalDistributionForManyValues() throws {
        var generator = RandomGenerator(seed: 11)
        let values = (0..<400).map { _ in generator.uniform(in: 0...1) }
        let estimate = try #require(Bootstrap(resamples: 4000, seed: 1).estimate(values))
        let mean = values.reduce(0, +) / 400
        let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 400).squareRoot()
        #expect(estimate.mean == mean)
        #expect(estimate.count == 400)
        // A quantile of 4000 draws is known to some 3 % of the half width.
        let half = 1.96 * deviation / 20
        #expect(abs(mean - estimate.lower - half) < 0.12 * half)
        #expect(abs(estimate.upper - mean - half) < 0.12 * half)
    }

    @Test func equalValuesLeaveNoDoubt() {
        #expect(
            Bootstrap(resamples: 100, seed: 1).estimate([2, 2, 2]) == Estimate(mean: 2, lower: 2, upper: 2, count: 3))
    }

    @Test func theSeedDecidesTheDraws() {
        let values = [1.0, 2, 4, 8, 16]
        #expect(
            Bootstrap(resamples: 100, seed: 1).estimate(values) == Bootstrap(resamples: 100, seed: 1).estimate(values))
        #expect(
            Bootstrap(resamples: 100, seed: 1).estimate(values) != Bootstrap(resamples: 100, seed: 2).estimate(values))
    }

    @Test func nothingIsKnownWithoutValues() { #expect(Bootstrap(resamples: 100, seed: 1).estimate([]) == nil) }
}

@Suite struct ComparisonTests {
    /// An episode of which only the cores matter, and in which nothing was asked for.
    private func episode(_ policy: String, _ pattern: String, _ seed: UInt64, cores: Double) throws
        -> Comparison.Episode
    {
        let json = """
            {"throughput": 0, "cores": \(cores), "costShare": 0, "churn": 0, "reward": 0,
             "terms": {"overObjective": 0, "cost": 0, "churn": 0}}
            """
        return Comparison.Episode(
            policy: policy, pattern: pattern, seed: seed,
            figures: try JSONDecoder().decode(EpisodeFigures.self, from: Data(json.utf8)))
    }

    private func comparison() throws -> Comparison {
        let cores: [(String, String, [Double])] = [
            ("reference", "ramp", [1, 2, 3]), ("other", "ramp", [2, 4, 6]),
            ("reference", "spike", [10, 20, 30]), ("other", "spike", [10, 20, 30]),
        ]
        let episodes = try cores.flatMap { policy, pattern, values in
            try values.enumerated().map { try episode(policy, pattern, UInt64($0), cores: $1) }
        }
        return Comparison(
            episodes: episodes, policies: ["reference", "other"], patterns: ["ramp", "spike"],
            reference: "reference", bootstrap: Bootstrap(resamples: 200, seed: 1))
    }

    private func row(_ policy: String, _ pattern: String) throws -> Comparison.Row {
        try #require(try comparison().rows.first { $0.policy == policy && $0.pattern == pattern })
    }

    @Test func differencesArePairedBySeed() throws {
        let ramp = try row("other", "ramp")
        #expect(ramp.figures["cores"]?.mean == 4)
        #expect(ramp.differences["cores"]?.mean == 2)
        #expect(ramp.differences["cores"]?.count == 3)
        // No seed differs there, so there is no doubt, whatever the seeds are like.
        #expect(try row("other", "spike").differences["cores"] == Estimate(mean: 0, lower: 0, upper: 0, count: 3))
    }

    @Test func theReferenceHasNoDifferences() throws {
        #expect(try row("reference", "ramp").differences.isEmpty)
    }

    @Test func overAllPatternsASeedCountsOnce() throws {
        let all = try row("other", Comparison.allPatterns)
        #expect(all.figures["cores"]?.count == 3)
        #expect(all.figures["cores"]?.mean == 12)
        #expect(all.differences["cores"]?.mean == 1)
    }

    @Test func whatNoEpisodeHasIsLeftOut() throws {
        let ramp = try row("other", "ramp")
        #expect(ramp.figures["over_objective"] == nil)
        #expect(ramp.differences["p99_seconds"] == nil)
    }
}

@Suite struct TournamentTests {
    @Test func everyContenderPlaysEveryEpisodeAndProgressIsTold() throws {
        var episode = ClusterEnvironmentSettings()
        episode.intervals = 3
        let tournament = Tournament(
            contenders: [
                try .baseline("default+hpa", .init()), try .baseline("random", .init()),
            ],
            conditions: [.init(name: "small", simulator: SimulatorSettings())], episode: episode, seeds: [3, 4])
        let told = Mutex<[Int]>([])
        let episodes = try tournament.play { done, total in
            #expect(total == 4)
            told.withLock { $0.append(done) }
        }
        #expect(told.withLock { $0 } == [1, 2, 3, 4])
        #expect(episodes.map(\.policy) == ["default+hpa", "random", "default+hpa", "random"])
        #expect(episodes.map(\.seed) == [3, 3, 4, 4])
        let again = try tournament.play()
        for (one, other) in zip(episodes, again) {
            var (one, other) = (one.figures, other.figures)
            (one.decisionSeconds, other.decisionSeconds) = (nil, nil)
            #expect(one == other)
        }
    }
}
