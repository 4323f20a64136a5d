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
        #expect(result.output.contains("cartpole: passed\n"))
        #expect(!result.output.contains("failed"))
    }
}
