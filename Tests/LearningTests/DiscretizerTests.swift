import Gym
import Learning
import Testing

@Suite("Dividing observations into bins")
struct DiscretizerTests {
    private func problem(_ bins: [BinSettings]) -> String {
        var settings = TabularSettings()
        settings.bins = bins
        let error = #expect(throws: (any Error).self) { try settings.candidates() }
        return error.map { "\($0)" } ?? ""
    }

    @Test("puts values outside into the bins at the edge, and NaN into the first")
    func edges() throws {
        let discretizer = try BoxDiscretizer(
            bins: [BinSettings("1", low: -1, high: 1, bins: 4)], width: 2, actions: 2)
        #expect(discretizer.count == 8)
        var entries: [Int] = []
        let cases: [(Float, Int)] = [
            (-7, 0), (-1, 0), (-0.51, 0), (-0.5, 1), (-0.01, 1), (0, 2), (0.49, 2), (0.5, 3), (1, 3), (7, 3),
            (.nan, 0), (.infinity, 3), (-.infinity, 0), (.greatestFiniteMagnitude, 3),
        ]
        for (value, bin) in cases {
            discretizer.entries(of: [.nan, value], actions: 2, into: &entries)
            #expect(entries == [bin * 2, bin * 2 + 1], "\(value)")
        }
        discretizer.entries(of: [0], actions: 2, into: &entries)
        #expect(entries.isEmpty)
    }

    @Test("gives every combination an entry of its own")
    func combinations() throws {
        let discretizer = try BoxDiscretizer(
            bins: [BinSettings("0", low: 0, high: 3, bins: 3), BinSettings("1", low: 0, high: 2, bins: 2)], width: 2,
            actions: 4)
        var all: [Int] = []
        var entries: [Int] = []
        for one in 0..<3 {
            for other in 0..<2 {
                discretizer.entries(of: [Float(one), Float(other)], actions: 4, into: &entries)
                all += entries
            }
        }
        #expect(all.sorted() == Array(0..<24) && discretizer.count == 24)
    }

    @Test("divides each bounded component into ten bins where nothing is said")
    func defaults() throws {
        let space = Box(low: [0, 2, -1], high: [1, 2, 1])
        #expect(try TabularSettings().box(space, actions: Discrete(count: 3)).count == 300)
        let endless = Box(low: [0, -.infinity], high: [1, .infinity])
        let error = #expect(throws: (any Error).self) {
            try TabularSettings().box(endless, actions: Discrete(count: 3))
        }
        #expect(error.map { "\($0)" }?.contains("component 1") == true)
        #expect(try TabularSettings().candidates().count == 34_560)
    }

    @Test("refuses features that there are not, and says what there is")
    func unknownFeatures() throws {
        let misspelt = problem([
            BinSettings("is evict", low: 0, high: 1, bins: 2), BinSettings("is plaec", low: 0, high: 1, bins: 2),
        ])
        #expect(misspelt.contains("bins[1].feature") && misspelt.contains("\"is place\""))
        #expect(misspelt.contains("docs/observations.md"))
        let misplaced = problem([BinSettings("is place", row: .context, low: 0, high: 1, bins: 2)])
        #expect(misplaced.contains("bins[0].feature") && misplaced.contains("candidate row has it"))
        #expect(problem([BinSettings("is place", low: 1, high: 1, bins: 2)]).contains("bins[0].high"))
        #expect(problem([BinSettings("is place", low: .nan, high: 1, bins: 2)]).contains("bins[0].low"))
        #expect(problem([BinSettings("is place", low: 0, high: 1, bins: 0)]).contains("bins[0].bins"))

        var settings = TabularSettings()
        settings.bins = [BinSettings("4", low: 0, high: 1, bins: 2)]
        #expect(throws: (any Error).self) {
            try settings.box(CartPole(seed: 0).observationSpace, actions: Discrete(count: 2))
        }
        #expect(throws: (any Error).self) {
            try settings.states(Discrete(count: 3), actions: Discrete(count: 2))
        }
    }

    @Test("refuses a table that would not fit", arguments: [2, 6])
    func tooLarge(features: Int) throws {
        var settings = TabularSettings()
        settings.bins = (0..<features).map { BinSettings("\($0 % 4)", low: 0, high: 1, bins: 10_000) }
        let environment = TimeLimit(CartPole(seed: 0), limit: 500)
        let discretizer = try settings.box(environment.observationSpace, actions: environment.actionSpace)
        let error = #expect(throws: LearningError.self) {
            try TabularLearner(settings: settings, environment: environment, discretizer: discretizer, seed: 0)
        }
        #expect(error?.code == .tableTooLarge)
        #expect(error?.description.contains("50000000") == true)
    }
}

@Suite("Exploration")
struct ExplorationTests {
    @Test("falls in a straight line over its share of the run and then stays")
    func schedule() {
        var schedule = ExplorationSchedule()
        (schedule.start, schedule.end, schedule.fraction) = (1, 0.5, 0.25)
        #expect(schedule.value(at: 0) == 1)
        #expect(schedule.value(at: 0.125) == 0.75)
        #expect(schedule.value(at: 0.25) == 0.5)
        #expect(schedule.value(at: 1) == 0.5)
        #expect(schedule.value(at: -1) == 1)
        schedule.fraction = 0
        #expect(schedule.value(at: 0) == 0.5)
    }
}
