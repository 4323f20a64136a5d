import Foundation
import JSON
import TestServers
import Testing

/// `berth predict record`, `train` and `serve`, run as a user runs them.
@Suite struct PredictTests {
    private func write(_ text: String, to file: String) throws {
        try Data(text.utf8).write(to: URL(filePath: file))
    }

    private func record(_ folder: String, episodes: Int) async throws -> BerthProcess.Result {
        try write("episodes: \(episodes)\nepisode: {intervals: 15}\n", to: "\(folder)/record.yaml")
        return try await BerthProcess.run(
            ["predict", "record", "--config", "record.yaml", "--out", "data.h5"], in: folder)
    }

    private func train(_ folder: String, _ settings: String = "") async throws -> BerthProcess.Result {
        try write(
            "datasets: [data.h5]\nheldOut: 0.3\npredictor: {trees: 30, folds: 3\(settings)}\n",
            to: "\(folder)/train.yaml")
        return try await BerthProcess.run(
            ["predict", "train", "--config", "train.yaml", "--out", "predictor.h5", "--json", "report.json"], in: folder
        )
    }

    @Test func episodesBecomeAPredictor() async throws {
        try await withTemporaryFolder { folder in
            let recorded = try await record(folder, episodes: 8)
            #expect(recorded.status == 0 && recorded.output.contains("rows of 8 episodes"), "\(recorded)")
            // What is there is not played again.
            let before = try Data(contentsOf: URL(filePath: "\(folder)/data.h5"))
            #expect(recorded.output.hasPrefix(try await record(folder, episodes: 8).output))
            #expect(try Data(contentsOf: URL(filePath: "\(folder)/data.h5")) == before)

            // Other episodes do not go into the same file.
            try write("episodes: 9\nepisode: {intervals: 14}\n", to: "\(folder)/record.yaml")
            let other = try await BerthProcess.run(
                ["predict", "record", "--config", "record.yaml", "--out", "data.h5"], in: folder)
            #expect(other.status == 2 && other.errors.contains("data.h5 was recorded with other settings"), "\(other)")

            let trained = try await train(folder)
            #expect(trained.status == 0 && trained.output.contains("rank correlation"), "\(trained)")
            let first = try Data(contentsOf: URL(filePath: "\(folder)/predictor.h5"))
            #expect(try await train(folder).output == trained.output)
            #expect(try Data(contentsOf: URL(filePath: "\(folder)/predictor.h5")) == first)
            let report = try String(contentsOfFile: "\(folder)/report.json", encoding: .utf8)
            #expect(report.contains("\"medianError\"") && report.contains("\"linear\""))
        }
    }

    @Test func theOneBeforeComesBack() async throws {
        try await withTemporaryFolder { folder in
            #expect(try await record(folder, episodes: 6).status == 0)
            #expect(try await train(folder).status == 0)
            let first = try Data(contentsOf: URL(filePath: "\(folder)/predictor.h5"))
            let none = try await BerthProcess.run(["predict", "rollback", "predictor.h5"], in: folder)
            #expect(none.status == 1 && none.errors.contains("predictor.h5.previous does not exist"), "\(none)")
            let predicted = try await BerthProcess.run(
                [
                    "predict", "train", "--config", "train.yaml", "--set", "predictor.depth=2", "--out", "predictor.h5",
                    "--predictions", "held-out.csv",
                ], in: folder)
            #expect(predicted.status == 0, "\(predicted)")
            let lines = try String(contentsOfFile: "\(folder)/held-out.csv", encoding: .utf8).split(separator: "\n")
            #expect(lines[0] == "seed,episode,window,node,service,objective,measured,predicted,score")
            #expect(lines.count > 20 && lines.allSatisfy { $0.split(separator: ",").count == 9 })
            #expect(try Data(contentsOf: URL(filePath: "\(folder)/predictor.h5")) != first)
            let back = try await BerthProcess.run(["predict", "rollback", "predictor.h5"], in: folder)
            #expect(back.status == 0 && back.output.hasPrefix("predictor.h5: boosting-"), "\(back)")
            #expect(try Data(contentsOf: URL(filePath: "\(folder)/predictor.h5")) == first)
        }
    }

    @Test func policiesDecideByPredictions() async throws {
        try await withTemporaryFolder { folder in
            #expect(try await record(folder, episodes: 6).status == 0)
            #expect(try await train(folder).status == 0)
            func policy(_ steps: Int, _ out: String) async throws -> BerthProcess.Result {
                try write(
                    """
                    environment:
                      {kind: cluster, simulator: {nodes: {count: 3}}, episode: {intervals: 12}, predictor: predictor.h5, riskLimit: 1.5}
                    ppo: {totalSteps: \(steps), environments: 4, rolloutSteps: 128, normalizesObservations: true, learningRateSchedule: constant}
                    """, to: "\(folder)/policy.yaml")
                return try await BerthProcess.run(["train", "--config", "policy.yaml", "--out", out], in: folder)
            }
            // Nobody knows how a node's figures change with a pod that is not there yet.
            let unknown = try await policy(2048, "whole")
            let ignored =
                "ignoredFeatures: [cpu_used_change, rate_change, p99_before, backlog, p99_elsewhere, neighbour_risk]"
            #expect(unknown.status == 1 && unknown.errors.contains("train it with \(ignored)"), "\(unknown)")
            #expect(try await train(folder, ", \(ignored)").status == 0)
            let whole = try await policy(2048, "whole")
            #expect(whole.status == 0, "\(whole)")
            #expect(try await policy(1024, "run").status == 0)
            try write(
                "seeds: 4\nepisode: {intervals: 12}\npatterns: [{kind: spike}]\ncompared: []\npredictor: predictor.h5\n",
                to: "\(folder)/evaluate.yaml")
            let evaluated = try await BerthProcess.run(
                ["evaluate", "--policy", "run", "--config", "evaluate.yaml"], in: folder)
            #expect(evaluated.status == 0 && evaluated.output.contains("\ndefault+hpa, risk <= 1  "), "\(evaluated)")

            // The predictor is part of the checkpoint: the run goes on without its file, as it would have.
            try FileManager.default.removeItem(atPath: "\(folder)/predictor.h5")
            let resumed = try await BerthProcess.run(
                ["train", "--resume", "run", "--set", "ppo.totalSteps=2048"], in: folder)
            #expect(resumed.status == 0, "\(resumed)")
            let checkpoint = "checkpoints/step-000000002048.h5"
            #expect(
                try Data(contentsOf: URL(filePath: "\(folder)/run/\(checkpoint)"))
                    == Data(contentsOf: URL(filePath: "\(folder)/whole/\(checkpoint)")))
            // An extender does not know the rates that this predictor uses.
            try write("policy: run\nport: 0\n", to: "\(folder)/extender.yaml")
            let served = try await BerthProcess.run(["serve", "--config", "extender.yaml"], in: folder)
            #expect(served.status == 1 && served.errors.contains("ignoredFeatures: [replica_rate"), "\(served)")
            try write(
                "environment: {kind: cluster, riskLimit: 1}\n", to: "\(folder)/policy.yaml")
            let alone = try await BerthProcess.run(["train", "--config", "policy.yaml", "--out", "none"], in: folder)
            #expect(alone.status == 2 && alone.errors.contains("riskLimit: is given without a predictor"), "\(alone)")
        }
    }

    @Test func itServesEncrypted() async throws {
        try await withTemporaryFolder { folder in
            #expect(try await record(folder, episodes: 6).status == 0)
            #expect(try await train(folder).status == 0)
            let made = try await BerthProcess.run(
                executable: "/usr/bin/openssl",
                [
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.pem",
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                ], in: folder)
            try #require(made.status == 0, "\(made.errors)")
            let port = try freePort()
            try write(
                """
                port: \(port)
                predictor: predictor.h5
                tls: {certificate: server.pem, key: server.key}
                """, to: "\(folder)/serve.yaml")
            let server = try BerthProcess(["predict", "serve", "--config", "serve.yaml"], in: folder)
            let url = "https://127.0.0.1:\(port)"
            func curl(_ arguments: String...) async throws -> BerthProcess.Result {
                try await BerthProcess.run(
                    executable: "/usr/bin/curl",
                    ["--silent", "--max-time", "5", "--cacert", "\(folder)/server.pem"] + arguments)
            }
            while try await curl("\(url)/readyz").status != 0, server.isRunning {
                try await Task.sleep(for: .milliseconds(50))
            }
            let answer = try await curl("\(url)/predict", "--data", #"{"metrics": {"cpu_used": 0.5}}"#)
            #expect(answer.output.hasPrefix(#"{"score":"#), "\(answer)")
            #expect(try await curl("http://127.0.0.1:\(port)/predict").status != 0)
            #expect(try await curl("--tls-max", "1.1", "\(url)/readyz").status != 0)
            server.send(SIGTERM)
            let result = try await server.result()
            #expect(result.status == 0, "\(result.errors)")
        }
    }

    /// 100,000 bodies: see bodies.py. The server is a process of its own, so that its memory is that of nothing else.
    @Test(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
    func everyInvalidBodyIsRefusedWithAReason() async throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "bodies.py")
        let program = PythonProgram(try String(contentsOf: file, encoding: .utf8))
        try await withTemporaryFolder { folder in
            try #require(try await record(folder, episodes: 6).status == 0)
            try #require(try await train(folder).status == 0)
            let port = try freePort()
            try write(
                "port: \(port)\npredictor: predictor.h5\nmaximumBodyBytes: 1048576\nmaximumRows: 50\n",
                to: "\(folder)/serve.yaml")
            let server = try BerthProcess(
                ["predict", "serve", "--config", "serve.yaml", "--log", "error"], in: folder)
            defer { if server.isRunning { server.send(SIGKILL) } }
            let text = try await onThread { try program.run(["\(port)", "100000", "1"]) }
            let tally = try JSONValue(parsing: Array(text))
            let (accepted, rejected) = (
                try #require(tally["accepted"]?.integer), try #require(tally["rejected"]?.integer)
            )
            #expect(accepted + rejected == 100_000 && accepted > 20_000 && rejected > 20_000)
            // It holds 57 MiB before the first body, and 81 MiB after the last.
            #expect(try server.peakMemory() < 160 << 20)
            server.send(SIGTERM)
            let result = try await server.result()
            #expect(result.status == 0, "\(result.errors)")
        }
    }

    @Test func whatIsWrongIsSaidWithTheFile() async throws {
        try await withTemporaryFolder { folder in
            let missing = try await train(folder)
            #expect(missing.status == 1 && missing.errors.contains("data.h5"), "\(missing.errors)")
            try write("no data", to: "\(folder)/data.h5")
            let foreign = try await train(folder)
            #expect(foreign.status == 1 && foreign.errors.contains("data.h5"), "\(foreign.errors)")
            let unknown = try await train(folder, ", tree: 5")
            #expect(unknown.status == 2 && unknown.errors.contains("did you mean trees?"), "\(unknown.errors)")
            try FileManager.default.removeItem(atPath: "\(folder)/data.h5")
            #expect(try await record(folder, episodes: 2).status == 0)
            let small = try await train(folder)
            #expect(small.status == 1 && small.errors.contains("record more episodes"), "\(small.errors)")

            try write("port: 0\npredictor: data.h5\n", to: "\(folder)/serve.yaml")
            let other = try await BerthProcess.run(["predict", "serve", "--config", "serve.yaml"], in: folder)
            #expect(other.status == 1 && other.errors.contains("data.h5: predictor/version"), "\(other.errors)")
            try write("port: 0\n", to: "\(folder)/serve.yaml")
            let none = try await BerthProcess.run(["predict", "serve", "--config", "serve.yaml"], in: folder)
            #expect(none.status == 2 && none.errors.contains("predictor: must not be empty"), "\(none.errors)")
        }
    }
}
