import Foundation
import Testing

@Suite struct SweepTests {
    /// A short CartPole run: 8 iterations of 256 steps.
    private static let training = """
        seed: 3
        environment: {kind: cartpole, evaluationEpisodes: 3}
        ppo: {totalSteps: 2048, rolloutSteps: 32, batchSize: 64}
        checkpoints: {everySteps: 512}
        """

    /// Four trials, each drawn from every kind of space.
    private static let sweep = """
        training: short.yaml
        trials: 4
        space:
          ppo.learningRate: {kind: logUniform, low: 1e-4, high: 1e-2}
          ppo.lambda: {kind: uniform, low: 0.8, high: 1}
          ppo.epochs: {kind: integer, low: 2, high: 6}
          ppo.network.hidden: {kind: choice, values: ["[32]", "[64, 64]"]}
        """

    private static let halving = ["--set", "halving.firstSteps=512", "--set", "halving.factor=2"]

    /// A trial as trials.json has it.
    private struct Trial: Decodable, Equatable {
        struct Round: Decodable, Equatable {
            var steps: Int
            var score: Double?
        }

        var number: Int
        var settings: [String: String]
        var scores: [Round]
    }

    private func write(
        _ sweep: String = sweep, training: String = training, in folder: String
    ) throws -> String {
        try Data(training.utf8).write(to: URL(filePath: "\(folder)/short.yaml"))
        try Data(sweep.utf8).write(to: URL(filePath: "\(folder)/sweep.yaml"))
        return "\(folder)/sweep.yaml"
    }

    private func text(_ file: String) throws -> String { try String(contentsOfFile: file, encoding: .utf8) }

    private func trials(_ folder: String) throws -> [Trial] {
        try JSONDecoder().decode([Trial].self, from: Data(contentsOf: URL(filePath: "\(folder)/trials.json")))
    }

    /// The lines about rounds that were played; a table's title has more space in it.
    private func played(_ output: String) -> [String] {
        output.split(separator: "\n").filter { $0.hasPrefix("trial ") && !$0.hasPrefix("trial  ") }.map(String.init)
    }

    /// The trials of a table's rows.
    private func numbers(_ table: String) -> [Int] {
        table.split(separator: "\n").dropFirst().compactMap { Int($0.prefix { $0 != " " }) }
    }

    @Test func randomSearchPlaysEveryTrialToItsEnd() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(in: folder)
            let out = "\(folder)/sweep"
            let result = try await BerthProcess.run(["sweep", "--config", file, "--out", out])
            #expect(result.status == 0, "\(result.errors)")
            let trials = try trials(out)
            #expect(trials.map(\.number) == [0, 1, 2, 3])
            for trial in trials {
                #expect(trial.scores.map(\.steps) == [2048])
                let rate = try #require(trial.settings["ppo.learningRate"].flatMap(Double.init))
                let lambda = try #require(trial.settings["ppo.lambda"].flatMap(Double.init))
                let epochs = try #require(trial.settings["ppo.epochs"].flatMap { Int($0) })
                #expect((1e-4...1e-2).contains(rate) && (0.8...1).contains(lambda) && (2...6).contains(epochs))
                #expect(["[32]", "[64, 64]"].contains(trial.settings["ppo.network.hidden"]))
                // The run has what the trial says.
                let run = try text("\(out)/trials/00\(trial.number)/config.yaml")
                #expect(run.contains("\n  epochs: \(epochs)\n"), "\(run)")
            }
            #expect(Set(trials.map(\.settings)).count == 4)

            // Best first, a row each.
            let table = try text("\(out)/table.txt")
            #expect(
                table.split(separator: "\n")[0].split(separator: " ").map(String.init)
                    == ["trial", "steps", "return"] + trials[0].settings.keys.sorted())
            let scores = try trials.map { try #require($0.scores.last?.score) }
            #expect(numbers(table) == (0..<4).sorted { (-scores[$0], $0) < (-scores[$1], $1) })
            let best = numbers(table)[0]
            // As a shell takes it: a list with a space is quoted.
            let settings = trials[best].settings.sorted { $0.key < $1.key }.map {
                $0.value.contains(" ") ? "--set '\($0.key)=\($0.value)'" : "--set \($0.key)=\($0.value)"
            }
            #expect(result.output.hasSuffix(table + "best: \(settings.joined(separator: " "))\n"))
            #expect(played(result.output).count == 4)
        }
    }

    @Test func equalSeedsGiveEqualSweeps() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(in: folder)
            func run(_ name: String, _ config: String, _ overrides: String...) async throws -> [Trial] {
                let out = "\(folder)/\(name)"
                let result = try await BerthProcess.run(
                    ["sweep", "--config", config, "--out", out] + overrides.flatMap { ["--set", $0] })
                #expect(result.status == 0, "\(result.errors)")
                return try trials(out)
            }
            let first = try await run("first", file)
            // Another process writes a dictionary's keys in another order. The folder is enough to repeat a sweep.
            #expect(try await run("second", "\(folder)/first/sweep.yaml") == first)
            #expect(try text("\(folder)/second/table.txt") == text("\(folder)/first/table.txt"))
            // More trials leave the first ones as they are; another seed does not.
            #expect(try await run("more", file, "trials=5").prefix(4) == first[...])
            let other = try await run("other", file, "seed=1", "trials=2")
            #expect(Set(other.map(\.settings)).isDisjoint(with: first.map(\.settings)))
        }
    }

    @Test func halvingKeepsTheBestAndTrainsThemAsIfThereHadBeenNoBreak() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(in: folder)
            let out = "\(folder)/halved"
            let result = try await BerthProcess.run(["sweep", "--config", file, "--out", out] + Self.halving)
            #expect(result.status == 0, "\(result.errors)")
            let trials = try trials(out)
            var alive = Array(trials.indices)
            for (round, steps) in [512, 1024, 2048].enumerated() {
                #expect(alive.count == [4, 2, 1][round])
                for trial in trials {
                    let rounds = trial.scores.map(\.steps)
                    #expect(rounds.contains(steps) == alive.contains(trial.number), "\(trial)")
                }
                let scores = try alive.map { try #require(trials[$0].scores[round].score) }
                let order = alive.indices.sorted { (-scores[$0], alive[$0]) < (-scores[$1], alive[$1]) }
                alive = order.prefix(alive.count / 2).map { alive[$0] }
            }
            #expect(played(result.output).count == 4 + 2 + 1)
            let order = trials.sorted {
                ($1.scores.count, $1.scores.last?.score ?? 0, $0.number)
                    < ($0.scores.count, $0.scores.last?.score ?? 0, $1.number)
            }
            #expect(try numbers(text("\(out)/table.txt")) == order.map(\.number))

            // Random search trains the same trial in one piece.
            let whole = "\(folder)/whole"
            let other = try await BerthProcess.run(["sweep", "--config", file, "--out", whole])
            #expect(other.status == 0, "\(other.errors)")
            let best = order[0].number
            #expect(try self.trials(whole)[best].scores.last == trials[best].scores.last)
            let checkpoint = "trials/00\(best)/checkpoints/step-000000002048.h5"
            #expect(
                try Data(contentsOf: URL(filePath: "\(out)/\(checkpoint)"))
                    == Data(contentsOf: URL(filePath: "\(whole)/\(checkpoint)")))
        }
    }

    /// Broken off after the first result, with most of the sweep still to come.
    @Test(arguments: [(SIGINT, [String]()), (SIGKILL, halving)])
    func aBrokenOffSweepGoesOnWhereItStopped(_ signal: Int32, _ overrides: [String]) async throws {
        try await withTemporaryFolder { folder in
            let file = try write(in: folder)
            let overrides = overrides + ["--set", "trials=40"]
            func arguments(_ out: String) -> [String] { ["sweep", "--config", file, "--out", out] + overrides }
            let (broken, whole) = ("\(folder)/broken", "\(folder)/whole")

            let end = try await BerthProcess.run(
                arguments(broken), sending: signal, when: "grep -q '\"score\"' '\(broken)/trials.json' 2> /dev/null")
            #expect(end.status == 128 + signal)
            if signal == SIGINT { #expect(end.output.contains("; the same command goes on\n")) }
            let found = try trials(broken)
            let done = found.map(\.scores.count).reduce(0, +)
            #expect(done >= 1 && done < 40)
            #expect(!FileManager.default.fileExists(atPath: "\(broken)/table.txt"))

            let resumed = try await BerthProcess.run(arguments(broken))
            #expect(resumed.status == 0, "\(resumed.errors)")
            let uninterrupted = try await BerthProcess.run(arguments(whole))
            #expect(uninterrupted.status == 0, "\(uninterrupted.errors)")
            #expect(played(resumed.output) == Array(played(uninterrupted.output).dropFirst(done)))
            for file in ["trials.json", "table.txt"] {
                #expect(try text("\(broken)/\(file)") == text("\(whole)/\(file)"))
            }

            // What is finished is only shown again.
            let again = try await BerthProcess.run(arguments(broken))
            #expect(again.status == 0, "\(again.errors)")
            #expect(played(again.output).isEmpty)
            #expect(try again.output.hasPrefix(text("\(whole)/table.txt")))
        }
    }

    @Test func aTrialThatDivergesComesLastAndIsNotKept() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(
                """
                training: short.yaml
                trials: 4
                space: {ppo.learningRate: {kind: choice, values: ["1e-3", "1e30"]}}
                """, in: folder)
            let out = "\(folder)/sweep"
            let arguments = ["sweep", "--config", file, "--out", out]
            let result = try await BerthProcess.run(arguments + Self.halving)
            #expect(result.status == 0, "\(result.errors)")
            let trials = try trials(out)
            let diverged = trials.filter { $0.settings["ppo.learningRate"] == "1e30" }.map(\.number)
            #expect((1...3).contains(diverged.count), "the seed draws both rates")
            for trial in trials {
                #expect((trial.scores.last?.score == nil) == diverged.contains(trial.number))
                if diverged.contains(trial.number) { #expect(trial.scores.map(\.steps) == [512]) }
            }
            let table = try text("\(out)/table.txt")
            #expect(Array(numbers(table).suffix(diverged.count)) == diverged)
            #expect(table.split(separator: "\n").last?.split(separator: " ").contains("diverged") == true)
            #expect(result.output.hasSuffix("best: --set ppo.learningRate=1e-3\n"))

            // Where every trial diverges none is the best.
            let none = try await BerthProcess.run(
                [
                    "sweep", "--config", file, "--out", "\(folder)/none", "--set", "trials=2", "--set",
                    #"space={ppo.learningRate: {kind: choice, values: ["1e30"]}}"#,
                ] + Self.halving)
            #expect(none.status == 0, "\(none.errors)")
            #expect(!none.output.contains("best:"))
        }
    }

    @Test func whatCannotBeSweptIsRefusedBeforeAFolderIsMade() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(in: folder)
            func space(_ text: String) -> [String] { ["--set", "space={\(text)}"] }
            let refused: [([String], String)] = [
                (
                    space("ppo.lerningRate: {kind: uniform}"),
                    "error: \(file): space.ppo.lerningRate: unknown key\nhint: did you mean learningRate?"
                ),
                (
                    space("ppo.discount: {kind: uniform, low: 2, high: 3}"),
                    "error: \(file): space.ppo.discount: must be"
                ),
                (
                    space("ppo.totalSteps: {kind: integer, low: 1000, high: 9000}"),
                    "error: \(file): space: trials of different totalSteps cannot be compared\nhint: "
                ),
                (
                    space("dqn.discount: {kind: uniform}"),
                    "error: \(file): space.dqn: there is ppo already: name one algorithm\n"
                ),
                (
                    // Two that are sound by themselves.
                    space(
                        #"evaluation.everySteps: {kind: choice, values: ["512"]}, "#
                            + #"environment.evaluationEpisodes: {kind: choice, values: ["0"]}"#),
                    "error: \(file): space: environment.evaluationEpisodes=0 evaluation.everySteps=512: "
                        + "evaluation.everySteps: there are no episodes to evaluate on"
                ),
                (
                    space("ppo.learningRate: {kind: logUniform}"),
                    #"error: --set space={ppo.learningRate: {kind: logUniform}}: space.ppo.learningRate.low: must be "#
                        + "greater than 0, found 0.0\n"
                ),
                (
                    space("ppo.epochs: {kind: integer, low: 1.2, high: 1.8}"),
                    "error: --set space={ppo.epochs: {kind: integer, low: 1.2, high: 1.8}}: space.ppo.epochs: there is "
                        + "no whole number from 1.2 to 1.8\n"
                ),
                (
                    space("ppo.epochs: {kind: normal}"),
                    "error: --set space={ppo.epochs: {kind: normal}}: space.ppo.epochs.kind: there is no kind"
                ),
                (
                    ["--set", "halving.factor=5"],
                    "error: --set halving.factor=5: halving.factor: must not be more than the 4 trials, found 5\n"
                ),
                (["--set", "trails=5"], "error: --set trails=5: trails: unknown key\nhint: did you mean trials?"),
                (["--set", "training=none.yaml"], "error: \(folder)/none.yaml: there is no such file\n"),
            ]
            for (arguments, message) in refused {
                let result = try await BerthProcess.run(
                    ["sweep", "--config", file, "--out", "\(folder)/out"] + arguments)
                #expect(result.status == 2)
                #expect(result.errors.hasPrefix(message), "\(result.errors)")
            }
            _ = try write(
                training: Self.training.replacing("evaluationEpisodes: 3", with: "evaluationEpisodes: 0"), in: folder)
            let result = try await BerthProcess.run(["sweep", "--config", file, "--out", "\(folder)/out"])
            #expect(result.status == 2)
            #expect(
                result.errors
                    == "error: \(folder)/short.yaml: there are no episodes to compare trials by\n"
                    + "hint: set environment.evaluationEpisodes above 0\n")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(names.sorted() == ["short.yaml", "sweep.yaml"])
        }
    }

    @Test func anotherSweepsFolderIsLeftAlone() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(in: folder)
            let out = "\(folder)/sweep"
            let arguments = ["sweep", "--config", file, "--out", out, "--set", "trials=1"]
            let result = try await BerthProcess.run(arguments)
            #expect(result.status == 0, "\(result.errors)")
            let results = try text("\(out)/trials.json")
            func expectRefusal(_ more: String...) async throws {
                let result = try await BerthProcess.run(arguments + more)
                #expect(result.status == 2)
                #expect(result.errors.hasPrefix("error: \(out) holds another sweep\nhint: name another --out"))
            }
            try await expectRefusal("--set", "seed=1")
            _ = try write(training: Self.training.replacing("seed: 3", with: "seed: 4"), in: folder)
            try await expectRefusal()
            #expect(try text("\(out)/trials.json") == results)
            // Nor are runs whose results are lost taken for this sweep's.
            _ = try write(in: folder)
            try FileManager.default.removeItem(atPath: "\(out)/trials.json")
            try await expectRefusal()

            try Data("[".utf8).write(to: URL(filePath: "\(out)/trials.json"))
            let damaged = try await BerthProcess.run(arguments)
            #expect(damaged.status == 1)
            #expect(damaged.errors.hasPrefix("error: \(out)/trials.json cannot be read: "))
        }
    }

    /// It would last for hours: it is only begun.
    @Test func theShippedSweepIsSound() async throws {
        try await withTemporaryFolder { folder in
            let file = repository.appending(path: "configs/sweep/cartpole-ppo.yaml").path
            let out = "\(folder)/sweep"
            let result = try await BerthProcess.run(
                ["sweep", "--config", file, "--out", out], sending: SIGINT, when: "[ -e '\(out)/trials.json' ]")
            #expect(result.status == 130, "\(result.errors)")
            #expect(try trials(out).count == 27)
        }
    }
}
