import Foundation
import Testing

@Suite struct EvaluationTests {
    private static let configuration = """
        seeds: 12
        firstSeed: 500
        episode: {intervals: 12}
        patterns: [{kind: spike}, {kind: ramp}]
        compared: [spread+hpa, random]
        resamples: 20_000
        tuning: {configuration: train.yaml, targets: [0.4, 0.8], seeds: 3}
        """
    private static let training = """
        environment: {kind: cluster, simulatorFile: conditions.yaml, episode: {intervals: 12}}
        ppo: {totalSteps: 2048, environments: 4, rolloutSteps: 128, scalesRewards: true, threads: 2, gradientShards: 2}
        checkpoints: {everySteps: 512}
        """

    private func prepare(_ folder: String) throws {
        try Data(Self.configuration.utf8).write(to: URL(filePath: "\(folder)/evaluate.yaml"))
        try Data(Self.training.utf8).write(to: URL(filePath: "\(folder)/train.yaml"))
        try Data("nodes: {count: 3}\nservices: {count: 2}\n".utf8).write(to: URL(filePath: "\(folder)/conditions.yaml"))
    }

    /// `evaluation.json` without what depends on the clock.
    private func stable(_ path: String) throws -> NSDictionary {
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(filePath: path)))
        func strip(_ value: Any) -> Any {
            if let dictionary = value as? [String: Any] {
                return dictionary.filter { !["decision_seconds", "decisionSeconds"].contains($0.key) }.mapValues(strip)
            }
            return (value as? [Any])?.map(strip) ?? value
        }
        return try #require(strip(object) as? NSDictionary)
    }

    @Test func aTrainedPolicyIsComparedWithBaselines() async throws {
        try await withTemporaryFolder { folder in
            try prepare(folder)
            let trained = try await BerthProcess.run(
                ["train", "--config", "train.yaml", "--out", "run"], in: folder)
            #expect(trained.status == 0, "\(trained.errors)")
            let resolved = try String(contentsOfFile: "\(folder)/run/config.yaml", encoding: .utf8)
            #expect(resolved.contains("count: [3.0, 3.0]") && resolved.contains("simulatorFile: ''"))
            let arguments = ["evaluate", "--policy", "run", "--config", "evaluate.yaml", "--json"]
            let first = try await BerthProcess.run(arguments + ["first.json"], in: folder)
            #expect(first.status == 0, "\(first.errors)")
            for text in [
                "pattern spike, 12 seeds: mean [95 % interval]\n", "pattern ramp, 12 seeds", "all patterns, 12 seeds",
                "over SLO %", "decision µs", "\npolicy  ", "\npolicy places, hpa scales  ", "\n  - default+hpa  ",
                "\nspread+hpa  ", "\nrandom  ", "\nHPA target 0.", "by mean reward under train.yaml (0.4: -",
            ] {
                #expect(first.output.contains(text), "\"\(text)\" is missing from\n\(first.output)")
            }
            // The same seeds give the same figures, whatever the threads did.
            let second = try await BerthProcess.run(arguments + ["second.json"], in: folder)
            #expect(second.status == 0)
            #expect(try stable("\(folder)/first.json") == stable("\(folder)/second.json"))

            let python = repository.appending(path: ".venv/bin/python").path
            try #require(FileManager.default.isExecutableFile(atPath: python), "scripts/setup.sh --test makes .venv")
            let checked = try await BerthProcess.run(
                executable: python, ["-c", Self.recomputation, "\(folder)/first.json"])
            #expect(checked.status == 0, "\(checked.errors)")
            #expect(checked.output == "agreed on 10 rows\n")
        }
    }

    /// Every figure again, by NumPy and SciPy's bootstrap, from the episodes alone.
    private static let recomputation = """
        import json, sys
        import numpy as np
        from scipy.stats import bootstrap
        report = json.load(open(sys.argv[1]))
        comparison = report["comparison"]
        names = {
            "over_objective": "overObjective", "p99_seconds": "p99", "throughput": "throughput", "cores": "cores",
            "cost_share": "costShare", "churn_per_hour": "churn", "reward": "reward",
        }
        def by_seed(policy, pattern, figure):
            values = {}
            for episode in comparison["episodes"]:
                if episode["policy"] == policy and pattern in ("all", episode["pattern"]):
                    values.setdefault(episode["seed"], []).append(episode["figures"][names[figure]])
            return {seed: np.mean(found) for seed, found in sorted(values.items())}
        def agree(found, values):
            values = np.array(values)
            assert found["count"] == len(values) == 12
            assert np.isclose(found["mean"], values.mean(), rtol=1e-9, atol=1e-12), (found, values.mean())
            if np.ptp(values) < 1e-12:
                return
            result = bootstrap((values,), np.mean, n_resamples=50_000, method="percentile", rng=1)
            # Two percentile bootstraps differ by their draws: the ends of an interval have a standard error of about
            # 0.03 times that of the mean each, more for skewed values.
            slack = 0.2 * result.standard_error
            interval = result.confidence_interval
            assert abs(found["lower"] - interval.low) < slack, (found, interval)
            assert abs(found["upper"] - interval.high) < slack, (found, interval)
        for row in comparison["rows"]:
            for figure in names:
                own = by_seed(row["policy"], row["pattern"], figure)
                agree(row["figures"][figure], list(own.values()))
                if row["policy"] == comparison["reference"]:
                    assert row["differences"] == {}
                else:
                    other = by_seed(comparison["reference"], row["pattern"], figure)
                    agree(row["differences"][figure], [own[seed] - other[seed] for seed in own])
        for episode in comparison["episodes"]:
            figures = episode["figures"]
            terms = figures["terms"]
            # The reward's default weights.
            reward = -(terms["overObjective"] + 0.5 * terms["cost"] + 0.02 * terms["churn"])
            assert np.isclose(figures["reward"], reward, rtol=1e-9), (figures["reward"], reward)
            assert 0 <= figures["overObjective"] <= 1 and 0 < figures["costShare"] < 1 and figures["cores"] > 0
        best = max(report["tuning"]["trials"], key=lambda trial: trial["meanReward"])
        assert report["tuning"]["chosen"] == best["target"]
        assert {row["pattern"] for row in comparison["rows"]} == {"spike", "ramp", "all"}
        print("agreed on", len(comparison["rows"]) * 2 // 3, "rows")
        """

    @Test func aClusterRunResumesBitForBit() async throws {
        try await withTemporaryFolder { folder in
            try prepare(folder)
            // The run that is killed would last for hours, so that it is never too late.
            let constant = ["train", "--config", "train.yaml", "--set", "ppo.learningRateSchedule=constant"]
            let killed = try BerthProcess(
                constant + ["--set", "ppo.totalSteps=1000000000", "--out", "half"], in: folder)
            func checkpoints() -> [String] {
                ((try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/half/checkpoints")) ?? [])
                    .filter { $0.hasPrefix("step-") && $0.hasSuffix(".h5") }.sorted()
            }
            while killed.isRunning, checkpoints().isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            killed.send(SIGKILL)
            _ = try await killed.result()
            let last = try #require(checkpoints().last?.dropFirst("step-".count).dropLast(".h5".count))
            let steps = try #require(Int(last)) + 1536
            let total = ["--set", "ppo.totalSteps=\(steps)"]
            let resumed = try await BerthProcess.run(["train", "--resume", "half"] + total, in: folder)
            #expect(resumed.status == 0, "\(resumed.errors)")
            let whole = try await BerthProcess.run(constant + total + ["--out", "whole"], in: folder)
            #expect(whole.status == 0, "\(whole.errors)")
            let file = "checkpoints/step-\(String(format: "%012d", steps)).h5"
            #expect(
                try Data(contentsOf: URL(filePath: "\(folder)/half/\(file)"))
                    == Data(contentsOf: URL(filePath: "\(folder)/whole/\(file)")))
        }
    }

    @Test func whatCannotBeEvaluatedIsRefused() async throws {
        try await withTemporaryFolder { folder in
            try prepare(folder)
            let config = ["--config", "evaluate.yaml"]
            let refused: [([String], String)] = [
                (
                    ["--policy", "spred+hpa"] + config,
                    "error: there is no run folder or checkpoint spred+hpa\nhint: name a"
                ),
                (
                    ["--policy", "spread+hpa", "--baseline", "defalt+hpa"] + config,
                    "error: there is no baseline \"defalt+hpa\"\nhint: did you mean default+hpa? valid baselines: "
                ),
                (["--policy", "spread+hpa", "--seeds", "0"] + config, "error: --seeds must be 1 or more, found 0\n"),
                (
                    ["--policy", "spread+hpa", "--set", "compared=[x]"] + config,
                    "error: --set compared=[x]: compared[0]: there is no baseline \"x\"\nhint: valid baselines"
                ),
                (["--policy", "spread+hpa"], "error: Missing expected argument '--config <file>'\n"),
                (
                    ["--policy", "spread+hpa", "--set", "tuning.configuration=none.yaml"] + config,
                    "error: none.yaml: there is no such file\n"
                ),
                (
                    ["--policy", "spread+hpa", "--set", "simulatorFile=none.yaml"] + config,
                    "error: none.yaml: there is no such file\n"
                ),
                (
                    ["--policy", "spread+hpa", "--set", "simulatorFile=a.yaml", "--set", "simulator.interval=10"]
                        + config,
                    "error: --set simulatorFile=a.yaml: simulatorFile: is given beside simulator\nhint: give one"
                ),
            ]
            for (arguments, message) in refused {
                let result = try await BerthProcess.run(["evaluate"] + arguments, in: folder)
                #expect(result.status == 2)
                #expect(result.errors.hasPrefix(message), "\(result.errors)")
            }
            // A policy for another environment.
            let flat = ["train", "--config", "train.yaml", "--out", "flat", "--set", "environment={kind: cartpole}"]
            #expect(try await BerthProcess.run(flat, in: folder).status == 0)
            let result = try await BerthProcess.run(["evaluate", "--policy", "flat"] + config, in: folder)
            #expect(result.status == 1)
            #expect(result.errors.contains("is a network over vectors of fixed size"), "\(result.errors)")
        }
    }
}
