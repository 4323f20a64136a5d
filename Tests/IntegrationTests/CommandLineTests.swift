import Foundation
import Testing

@Suite struct CommandLineTests {
    @Test func versionAndHelpSucceed() async throws {
        let version = try await BerthProcess.run(["--version"])
        #expect(version.status == 0)
        #expect(version.output.wholeMatch(of: /berth [0-9]+\.[0-9]+\.[0-9]+\n/) != nil)
        let help = try await BerthProcess.run(["--help"])
        #expect(help.status == 0)
        #expect(help.output.contains("USAGE: berth <subcommand>"))
        #expect(help.errors.isEmpty)
    }

    @Test func theVerboseVersionNamesTheKernels() async throws {
        let version = try await BerthProcess.run(["version"])
        #expect(version.output == (try await BerthProcess.run(["--version"])).output)
        let verbose = try await BerthProcess.run(["version", "--verbose"])
        #expect(verbose.status == 0, "\(verbose.errors)")
        #expect(
            verbose.output.contains(#/^berth [0-9.]+\nmatrices: OpenBLAS [0-9.]+, kernels for \w+ \(.+\)\n$/#),
            "\(verbose.output)")
    }

    @Test(arguments: [
        (["frobnicate"], "error: Unexpected argument 'frobnicate'\nhint: See 'berth --help' for more information.\n"),
        (["check"], "error: Missing expected argument '<env>'\nhint: See 'berth check --help' for more information.\n"),
        (["check", "cartpole", "--steps", "0"], "error: --steps must be 1 or more, found 0\n"),
        (["check", "cartpole", "--steps", "x"], "error: The value 'x' is invalid for '--steps <steps>'\n"),
    ])
    func wrongUsageEndsWithStatus2AndOneLine(arguments: [String], errors: String) async throws {
        let result = try await BerthProcess.run(arguments)
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
        #expect(result.errors.hasPrefix(errors), "\(result.errors)")
    }

    @Test func anUnknownEnvironmentListsTheValidOnes() async throws {
        let result = try await BerthProcess.run(["check", "cart-pol"])
        #expect(result.status == 2)
        #expect(
            result.errors.hasPrefix("error: there is no environment \"cart-pol\"\nhint: did you mean cartpole? valid"))
    }

    @Test func everyEnvironmentKeepsItsContract() async throws {
        let result = try await BerthProcess.run(["check", "all"])
        #expect(result.status == 0, "\(result.output)")
        let names = [
            "cartpole", "cartpole-normalized-observations", "cartpole-normalized-rewards", "acrobot", "mountain-car",
            "frozen-lake", "frozen-lake-8x8", "taxi", "cliff-walking", "cluster", "controlled-cluster",
        ]
        #expect(result.output == names.map { "\($0): passed\n" }.joined())
    }

    @Test func aCheckOfOneEnvironmentCountsThatOneOnly() async throws {
        // One step is too short for actions to show in the rewards.
        let result = try await BerthProcess.run(["check", "cluster", "--steps", "1"])
        #expect(result.status == 1)
        #expect(result.output.hasPrefix("cluster: failed\n  8 different sequences of actions"), "\(result.output)")
        #expect(result.errors.hasPrefix("error: 1 of 1 environments failed the check"), "\(result.errors)")
    }

    @Test func benchmarksPrintATableEach() async throws {
        let simulator = try await BerthProcess.run(["bench", "simulator", "--nodes", "4", "8", "--seconds", "0.05"])
        #expect(simulator.status == 0, "\(simulator.errors)")
        #expect(simulator.output.contains(#/simulator +services +intervals/s and core/#))
        #expect(simulator.output.contains(#/\n4 nodes +2 +[0-9,]+ /#))
        #expect(simulator.output.contains(#/\n8 nodes +4 +[0-9,]+ /#))
        let inference = try await BerthProcess.run(["bench", "inference", "--nodes", "4", "--seconds", "0.05"])
        #expect(inference.status == 0, "\(inference.errors)")
        #expect(inference.output.contains(#/\n4 nodes +4 +[0-9.e+]+ /#))
        let training = try await BerthProcess.run(["bench", "training", "--settings", "ppo-8x32", "--steps", "1024"])
        #expect(training.status == 0, "\(training.errors)")
        #expect(training.output.contains(#/\nppo-8x32 +1,024 +[0-9,]+ /#))
        #expect(training.output.contains(#/\nmatrices: OpenBLAS .+, kernels for \w+ \(.+\)\n/#))
        #expect(try await BerthProcess.run(["bench", "simulator", "--nodes", "0"]).status == 2)
    }
}
