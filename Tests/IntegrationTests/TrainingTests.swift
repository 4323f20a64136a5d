import Foundation
import Testing

@Suite struct TrainingTests {
    /// A short CartPole run: 80 iterations of 256 steps.
    private static let configuration = """
        seed: 3
        environment: {kind: cartpole, evaluationEpisodes: 2}
        ppo: {totalSteps: 20_480, rolloutSteps: 32, epochs: 20, scalesRewards: true, normalizesObservations: true}
        checkpoints: {everySteps: 1024, keep: 2}
        """

    private func write(_ configuration: String, in folder: String) throws -> String {
        let file = "\(folder)/short.yaml"
        try Data(configuration.utf8).write(to: URL(filePath: file))
        return file
    }

    private func checkpoint(_ run: String, step: Int) throws -> Data {
        try Data(contentsOf: URL(filePath: "\(run)/checkpoints/step-\(String(format: "%012d", step)).h5"))
    }

    private func checkpoints(_ run: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(run)/checkpoints")) ?? []).filter {
            $0.hasSuffix(".h5") && !$0.hasPrefix(".")
        }.sorted()
    }

    @Test func aRunFolderHoldsWhatIsDocumented() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(Self.configuration, in: folder)
            let result = try await BerthProcess.run(
                ["train", "--config", file, "--set", "ppo.totalSteps=5120", "--seed", "4"], in: folder)
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("trained 5,120 steps"))
            let profile = try #require(
                result.output.firstMatch(
                    of: /\ntime: environment (\d+) %, inference (\d+) %, update (\d+) %, rest (\d+) %\n/))
            let shares = [profile.1, profile.2, profile.3, profile.4].compactMap { Int($0) }
            #expect((98...102).contains(shares.reduce(0, +)), "\(shares)")
            #expect(result.output.contains("over 2 evaluation episodes"))
            #expect(result.errors.contains("100 %  5,120/5,120 steps"))
            #expect(!result.errors.contains("\u{1B}"), "a bar was drawn where there is no terminal")

            let run = "\(folder)/runs/short-4"
            #expect(checkpoints(run) == ["step-000000004096.h5", "step-000000005120.h5"])
            let configuration = try String(contentsOfFile: "\(run)/config.yaml", encoding: .utf8)
            #expect(configuration.contains("seed: 4\n") && configuration.contains("adamEpsilon: 1.0e-05\n"))
            let evaluation = try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(filePath: "\(run)/evaluation.json")))
            #expect(((evaluation as? [String: Any])?["returns"] as? [Double])?.count == 2)

            let rows = try String(contentsOfFile: "\(run)/metrics.csv", encoding: .utf8).split(separator: "\n")
            let columns = rows[0].split(separator: ",", omittingEmptySubsequences: false)
            #expect(columns.starts(with: ["step", "mean_return", "mean_length", "episodes"]))
            #expect(rows.count == 1 + 20)
            for row in rows {
                #expect(row.split(separator: ",", omittingEmptySubsequences: false).count == columns.count)
            }
            #expect(rows.last?.hasPrefix("5120,") == true)
        }
    }

    /// The run that is broken off would last for hours, so that it is never too late; what it is compared with has as
    /// many steps as the resumed one. Nothing in a step depends on their number while the learning rate is constant.
    @Test(arguments: [SIGKILL, SIGINT])
    func aBrokenOffAndResumedRunIsTheUninterruptedOneBitForBit(_ signal: Int32) async throws {
        try await withTemporaryFolder { folder in
            let endless = Self.configuration.replacing(
                "totalSteps: 20_480", with: "totalSteps: 1_000_000_000, learningRateSchedule: constant")
            let file = try write(endless, in: folder)
            let run = "\(folder)/broken"
            let broken = try BerthProcess(["train", "--config", file, "--out", run])
            while checkpoints(run).count < 2, broken.isRunning { try await Task.sleep(for: .milliseconds(1)) }
            broken.send(signal)
            let end = try await broken.result()
            if signal == SIGINT {
                #expect(end.status == 130)
                #expect(end.output.contains("continue with: berth train --resume \(run)\n"))
            }
            let last = try #require(checkpoints(run).last?.dropFirst("step-".count).dropLast(".h5".count))
            let steps = try #require(Int(last)) + 5120
            let total = ["--set", "ppo.totalSteps=\(steps)"]
            let resumed = try await BerthProcess.run(["train", "--resume", run] + total)
            #expect(resumed.status == 0, "\(resumed.errors)")
            let whole = try await BerthProcess.run(["train", "--config", file, "--out", "\(folder)/whole"] + total)
            #expect(whole.status == 0, "\(whole.errors)")
            #expect(try checkpoint(run, step: steps) == checkpoint("\(folder)/whole", step: steps))
            // Rows that the killed process wrote after its last checkpoint are not there twice.
            let rows = try String(contentsOfFile: "\(run)/metrics.csv", encoding: .utf8).split(separator: "\n")
                .dropFirst()
                .map { $0.prefix { $0 != "," } }
            #expect(rows == (1...steps / 256).map { Substring("\($0 * 256)") })
        }
    }

    @Test func aFolderIsTrainedInByOneProcessAtATime() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(Self.configuration, in: folder)
            let run = "\(folder)/run"
            let first = try BerthProcess(
                ["train", "--config", file, "--out", run, "--set", "ppo.totalSteps=1000000000"])
            while checkpoints(run).isEmpty, first.isRunning { try await Task.sleep(for: .milliseconds(5)) }
            for arguments in [["--resume", run], ["--config", file, "--out", run, "--overwrite"]] {
                let second = try await BerthProcess.run(["train"] + arguments)
                #expect(second.status == 1)
                #expect(
                    second.errors
                        == "error: another process is training in \(run)\nhint: wait for it, or name another --out\n")
            }
            #expect(first.isRunning && !checkpoints(run).isEmpty)
            first.send(SIGKILL)
            _ = try await first.result()
            // A lock does not outlive its process.
            let resumed = try await BerthProcess.run(["train", "--resume", run, "--set", "ppo.totalSteps=256"])
            #expect(resumed.status == 0, "\(resumed.errors)")
        }
    }

    @Test func theLastPolicyIsACandidateForTheBest() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(Self.configuration, in: folder)
            let result = try await BerthProcess.run(
                ["train", "--config", file, "--out", "\(folder)/run", "--set", "evaluation.everySteps=8192"])
            #expect(result.status == 0, "\(result.errors)")
            let rows = try String(contentsOfFile: "\(folder)/run/evaluations.csv", encoding: .utf8).split(
                separator: "\n")
            #expect(rows.dropFirst().map { $0.prefix { $0 != "," } } == ["8192", "16384", "20480"])
            #expect(result.output.contains(", in other episodes: mean return "))
        }
    }

    @Test func tensorBoardReadsTheEvents() async throws {
        let python = repository.appending(path: ".venv/bin/python").path
        try #require(FileManager.default.isExecutableFile(atPath: python), "scripts/setup.sh --test makes .venv")
        try await withTemporaryFolder { folder in
            let file = try write(Self.configuration, in: folder)
            let run = "\(folder)/run"
            let result = try await BerthProcess.run(
                ["train", "--config", file, "--set", "ppo.totalSteps=2048", "--out", run])
            #expect(result.status == 0, "\(result.errors)")
            let reader = repository.appending(path: "scripts/read_events.py").path
            let text = try await BerthProcess.run(executable: python, [reader, run])
            #expect(text.status == 0, "\(text.errors)")
            let events = text.output.split(separator: "\n")
            #expect(events.first == "0 version brain.Event:2")
            let rates = events.filter { $0.contains(" train/learning_rate ") }
            #expect(rates.count == 8)
            // Linear from 2.5e-4: 0.00025 · (1 - 256 / 2048) in the second of eight iterations.
            #expect(rates[1] == "512 train/learning_rate 0.00021875")
            #expect(events.contains { $0.hasPrefix("2048 rollout/episodes ") })
        }
    }

    @Test func whatCannotBeTrainedIsRefusedBeforeAFolderIsMade() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(Self.configuration, in: folder)
            let out = "\(folder)/run"
            let refused: [([String], String)] = [
                (["--out", out], "error: --config FILE is missing\nhint: or --resume DIR to continue a run\n"),
                (["--config", "\(folder)/none.yaml"], "error: \(folder)/none.yaml: there is no such file\n"),
                (
                    ["--config", file, "--set", "ppo.lerningRate=1"],
                    "error: --set ppo.lerningRate=1: ppo.lerningRate: unknown key\nhint: did you mean learningRate?"
                ),
                (
                    ["--config", file, "--set", "ppo.discount=1.5"],
                    "error: --set ppo.discount=1.5: ppo.discount: must be"
                ),
                (
                    ["--config", file, "--set", "environment.kind=lander"],
                    "error: --set environment.kind=lander: environment.kind: there is no kind \"lander\"\nhint: "
                ),
                (["--resume", out], "error: there is no run folder or checkpoint \(out)\n"),
                (["--resume", folder], "error: \(folder) holds no checkpoint\n"),
                (["--resume", out, "--seed", "1"], "error: --seed cannot be given with --resume\n"),
            ]
            for (arguments, message) in refused {
                let result = try await BerthProcess.run(["train"] + arguments, in: folder)
                #expect(result.status == 2)
                #expect(result.errors.hasPrefix(message), "\(result.errors)")
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["short.yaml"])
        }
    }

    @Test func aRunIsNotOverwrittenUnasked() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(Self.configuration, in: folder)
            let arguments = ["train", "--config", file, "--set", "ppo.totalSteps=512", "--out", "\(folder)/run"]
            #expect(try await BerthProcess.run(arguments).status == 0)
            let again = try await BerthProcess.run(arguments)
            #expect(again.status == 2)
            #expect(again.errors.hasPrefix("error: \(folder)/run already holds a run\nhint: continue it with --resume"))
            #expect(try await BerthProcess.run(arguments + ["--overwrite"]).status == 0)
            // A damaged checkpoint is a failure with a reason.
            let checkpoint = "\(folder)/run/checkpoints/step-000000000512.h5"
            var bytes = try Data(contentsOf: URL(filePath: checkpoint))
            bytes[bytes.count / 2] ^= 1
            try bytes.write(to: URL(filePath: checkpoint))
            let damaged = try await BerthProcess.run(["train", "--resume", "\(folder)/run"])
            #expect(damaged.status == 1)
            #expect(
                damaged.errors
                    == "error: checkpoint: \(checkpoint): is damaged: its contents do not match its checksum\n")
        }
    }
}
