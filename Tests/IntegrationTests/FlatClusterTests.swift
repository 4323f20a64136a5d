import Foundation
import Testing

@Suite struct FlatClusterTests {
    private static let environment = """
        environment:
          kind: flat-cluster
          simulator: {nodes: {count: 3}, services: {count: 2}}
          episode: {intervals: 5}
          evaluationEpisodes: 2

        """

    private func write(_ configuration: String, in folder: String) throws -> String {
        let file = "\(folder)/flat.yaml"
        try Data((Self.environment + configuration).utf8).write(to: URL(filePath: file))
        return file
    }

    @Test(arguments: [
        "ppo: {totalSteps: 512, rolloutSteps: 32, normalizesObservations: true}",
        "dqn: {totalSteps: 600, learningStarts: 100, stepsPerIteration: 200, replayCapacity: 500}",
    ])
    func isTrainedInAndNotServedNorExported(algorithm: String) async throws {
        try await withTemporaryFolder { folder in
            let run = "\(folder)/run"
            let file = try write(algorithm, in: folder)
            let result = try await BerthProcess.run(["train", "--config", file, "--out", run])
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("over 2 evaluation episodes"))
            let resumed = try await BerthProcess.run(
                ["train", "--resume", run, "--set", "\(algorithm.prefix(3)).totalSteps=1000"])
            #expect(resumed.status == 0, "\(resumed.errors)")

            let served = try await BerthProcess.run(
                ["evaluate", "--policy", run, "--config", "\(repository.path)/configs/evaluate/heldout.yaml"])
            #expect(served.status == 1)
            #expect(served.errors.contains("policy/actor: is a network over vectors of fixed size"), "\(served.errors)")
            let exported = try await BerthProcess.run(["export", "--policy", run, "--out", "\(folder)/policy.onnx"])
            #expect(exported.status == 1)
            #expect(exported.errors.contains("policy/actor: was trained on the flat view"), "\(exported.errors)")
        }
    }

    @Test(arguments: [
        ("ppo: {}", ["environment.view.nodes=2"], "environment.view.nodes: must be at least 3"),
        ("ppo: {}", ["environment.simulator.nodes.count=2000"], "environment.simulator.nodes.count: up to 2000 do not"),
        ("tabular: {}", [], "tabular: there is no table over the flat view"),
    ])
    func whatDoesNotFitIsRefused(algorithm: String, overrides: [String], message: String) async throws {
        try await withTemporaryFolder { folder in
            let file = try write(algorithm, in: folder)
            let result = try await BerthProcess.run(
                ["train", "--config", file] + overrides.flatMap { ["--set", $0] }, in: folder)
            #expect(result.status == 2)
            #expect(result.errors.contains(message), "\(result.errors)")
        }
    }
}
