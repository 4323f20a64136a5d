import ArgumentParser
import Gym
import TrainingRuns

/// `berth check ENV`
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Checks that an environment keeps its contract.",
        discussion: """
            Fails on an observation of a wrong shape or out of its space, on two runs of one seed that differ, and when \
            different actions change nothing: no observation or, in a cluster, no reward.
            """)

    @Argument(help: ArgumentHelp("Name of the environment, or all.", valueName: "env"))
    var environment: String

    @Option(help: "Seed of the environments and of the actions.")
    var seed: UInt64 = 0

    @Option(help: "Steps of each run.")
    var steps = 500

    mutating func run() throws {
        guard steps > 0 else { throw CommandFailure.usage("--steps must be 1 or more, found \(steps)") }
        let checks = EnvironmentKind.all.flatMap(\.checks)
        let names = checks.map(\.name)
        guard environment == "all" || names.contains(environment) else {
            throw CommandFailure.unknown("environment", environment, among: names + ["all"], plural: "environments")
        }
        var checker = EnvironmentChecker()
        (checker.seed, checker.steps) = (seed, steps)
        var failed = 0
        let chosen = checks.filter { environment == "all" || $0.name == environment }
        for check in chosen {
            let problems = try check.problems(checker)
            print("\(check.name): \(problems.isEmpty ? "passed" : "failed")")
            for problem in problems { print("  \(problem)") }
            failed += problems.isEmpty ? 0 : 1
        }
        if failed > 0 { throw CommandFailure(message: "\(failed) of \(chosen.count) environments failed the check") }
    }
}
