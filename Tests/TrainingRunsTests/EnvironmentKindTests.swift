import Foundation
import Learning
import Processes
import Settings
import Testing
import TrainingRuns

/// What may be trained in, and what learns in it.
@Suite struct EnvironmentKindTests {
    private static let learners = [
        "ppo: {totalSteps: 32, environments: 1, rolloutSteps: 16, batchSize: 16, epochs: 1}",
        "dqn: {totalSteps: 8, environments: 1, learningStarts: 4, batchSize: 2, replayCapacity: 100}",
        "tabular: {totalSteps: 8, stepsPerIteration: 4}",
    ]
    /// The kinds that need nothing beside this process.
    private static let kinds = EnvironmentKind.all.map(\.name).filter { $0 != "live" }

    private static func configuration(_ kind: String, _ learner: String = "") throws -> TrainConfiguration {
        let more = kind == "live" ? ", cluster: {services: [{manifest: web.yaml}]}" : ""
        return try TrainConfiguration.decode(yaml: "environment: {kind: \(kind)\(more)}\n\(learner)")
    }

    @Test func everyKindHasANameOfItsOwnAndReadsBackWhatItWrites() throws {
        let names = EnvironmentKind.all.map(\.name)
        #expect(Set(names).count == names.count)
        for name in names {
            let configuration = try Self.configuration(name)
            #expect(configuration.environment.kind == name)
            #expect(try TrainConfiguration.decode(yaml: configuration.yaml()) == configuration)
        }
    }

    @Test func theFirstKindIsTheStandardOne() throws {
        #expect(
            try TrainConfiguration.decode(yaml: "") == TrainConfiguration.decode(yaml: "environment: {kind: cartpole}"))
    }

    @Test func environmentsDifferByKindAndBySettings() throws {
        func environment(_ yaml: String) throws -> TrainEnvironment {
            try TrainConfiguration.decode(yaml: "environment: {\(yaml)}").environment
        }
        #expect(try environment("kind: taxi") == environment("kind: taxi, evaluationEpisodes: 100"))
        #expect(try environment("kind: taxi") != environment("kind: acrobot"))
        #expect(try environment("kind: taxi") != environment("kind: taxi, timeLimit: 7"))
    }

    @Test func settingsAreChangedOnlyWhereTheyAreOfTheKind() throws {
        var environment = try Self.configuration("live").environment
        #expect(environment.change(LiveTrainSettings.self) { $0.policy = "runs/first" })
        #expect(environment.settings(as: LiveTrainSettings.self)?.policy == "runs/first")
        #expect(!environment.change(GymSettings.self) { $0.timeLimit = 1 })
        #expect(environment.settings(as: GymSettings.self) == nil)
    }

    @Test func anUnknownKindIsRefusedWithTheNearestName() {
        let error = #expect(throws: SettingsError.self) {
            try TrainConfiguration.decode(yaml: "environment: {kind: cartpol}")
        }
        #expect(error?.key == "environment.kind")
        #expect(error?.hint?.contains("did you mean cartpole?") == true)
    }

    @Test(arguments: kinds, learners)
    func everyLearnerTrainsInEveryKindOrIsRefused(_ kind: String, _ learner: String) throws {
        let configuration = try Self.configuration(kind, learner)
        let folder = RunFolder(path: FileManager.default.temporaryDirectory.path + "/never-made")
        switch (kind, learner.prefix { $0 != ":" }) {
        case ("flat-cluster", "tabular"):
            let error = #expect(throws: SettingsError.self) { try TrainingRun(configuration, folder: folder) }
            #expect(error?.key == "tabular")
            #expect(error?.hint == "use ppo or dqn, or environment.kind cluster")
        case ("cartpole", "tabular"):
            // Its velocities have no bounds to put bins between.
            let error = #expect(throws: SettingsError.self) { try TrainingRun(configuration, folder: folder) }
            #expect(error?.key == "tabular.bins")
        default:
            #expect(try TrainingRun(configuration, folder: folder).steps == 0)
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path))
    }

    @Test func whatOneProcessHasToDoIsNotSharedOut() throws {
        let two = ProcessGroup(rank: 0, size: 2, hasJoined: false) { false }
        for (kind, learner) in [("taxi", "tabular: {}"), ("live", "ppo: {environments: 1}")] {
            let error = try #require(throws: ExperimentError.self) {
                try TrainingRun(
                    Self.configuration(kind, learner), folder: RunFolder(path: "never-made"), processes: two)
            }
            #expect(error.code == .tooManyProcesses)
            #expect(error.isUsage)
        }
    }

    @Test(arguments: ["ppo: {environments: 2, rolloutSteps: 32}", "dqn: {environments: 2}"])
    func aLiveClusterIsOneEnvironment(_ learner: String) throws {
        let configuration = try Self.configuration("live", learner)
        let error = #expect(throws: SettingsError.self) {
            try TrainingRun(configuration, folder: RunFolder(path: "never-made"))
        }
        #expect(error?.key == "\(learner.prefix(3)).environments")
        #expect(error?.problem == "must be 1 on a live cluster, found 2")
    }

    @Test func errorsOfBinsNameTheirKeyInTheFile() throws {
        let configuration = try Self.configuration("taxi", "tabular: {bins: [{feature: x, bins: 2, low: 0, high: 1}]}")
        let error = #expect(throws: SettingsError.self) {
            try TrainingRun(configuration, folder: RunFolder(path: "never-made"))
        }
        #expect(error?.key == "tabular.bins")
    }

    @Test func evaluationsNeedEpisodes() throws {
        let configuration = try TrainConfiguration.decode(
            yaml: "environment: {kind: cartpole, evaluationEpisodes: 0}\nevaluation: {everySteps: 10}")
        let error = #expect(throws: SettingsError.self) {
            try TrainingRun(configuration, folder: RunFolder(path: "never-made"))
        }
        #expect(error?.key == "evaluation.everySteps")
    }
}
