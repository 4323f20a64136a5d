import Baselines
import Live
import Testing
import Tournaments
import TrainingRuns

@Suite struct ContenderTests {
    private let settings = BaselineSettings()

    @Test(arguments: Baseline.names)
    func theDefaultSchedulerItselfPlacesWhereItIsCompared(_ name: String) throws {
        let contender = try Contender.baseline(name, settings)
        #expect(contender.name == name)
        let expected: PlacementOwner = name.split(separator: "+").first == "default" ? .defaultScheduler : .environment
        #expect(contender.placement == expected)
        #expect(contender.unfamiliarInputs == nil)
    }

    @Test func anotherTargetIsNamedAndPlacedAsTheReference() throws {
        #expect(Contender.reference.name == "default+hpa")
        let contender = Contender.autoscaler(target: 0.65, settings)
        #expect(contender.name == "default+hpa at 0.65")
        #expect(contender.placement == .defaultScheduler)
    }

    @Test func anUnknownBaselineIsRefusedWithTheNearestName() {
        let error = #expect(throws: ExperimentError.self) { try Contender.baseline("defalt+hpa", settings) }
        #expect(error?.code == .unknownName)
        #expect(error?.hint?.contains("did you mean default+hpa?") == true)
    }

    @Test func aNameOfNothingListsWhatMayBeNamed() {
        let error = #expect(throws: ExperimentError.self) {
            try Contender.named("no/such/run", settings, extenderWeight: 1)
        }
        #expect(error?.code == .runMissing)
        #expect(error?.hint?.contains("a baseline: random, default+hpa") == true)
        #expect(error?.isUsage == true)
    }

    @Test func aBaselineByNameIsOneRow() throws {
        #expect(try Contender.named("spread+fixed", settings, extenderWeight: 1).map(\.name) == ["spread+fixed"])
    }

    @Test func whatDoesNotTrainOnClustersTunesNothing() throws {
        var tuning = TuningSettings()
        #expect(try AutoscalerTuning(tuning, settings) == nil)
        tuning.configuration = "configs/train/cartpole-ppo.yaml"
        let error = #expect(throws: ExperimentError.self) { try AutoscalerTuning(tuning, settings) }
        #expect(error?.code == .unsuitableConfiguration)
    }
}
