import Gym
import Testing

@Suite struct EpisodeTests {
    /// Counts down from its seed; every step is worth 2, and nothing more is chosen at `stop`.
    private struct Countdown: Episode {
        var left: UInt64 = 0
        var stop: UInt64?

        mutating func begin(seed: UInt64) { left = seed }
        mutating func choose() -> UInt64? { left == stop ? nil : 1 }
        mutating func perform(_ choice: UInt64) -> Outcome {
            left -= choice
            return Outcome(reward: 2, terminated: left == 0)
        }
    }

    @Test func playsUntilAStepEndsTheEpisodeAndTellsOfEach() throws {
        var episode = Countdown()
        var seen: [UInt64] = []
        let totals = try episode.play(
            seed: 3, begun: { seen.append($0.left) }, stepped: { episode, _ in seen.append(episode.left) })
        #expect(totals.rewards == 6)
        #expect(totals.steps == 3)
        #expect(seen == [3, 2, 1, 0])
    }

    @Test func breaksOffWhereNothingIsChosen() throws {
        var episode = Countdown(stop: 2)
        let totals = try episode.play(seed: 5)
        #expect(totals.rewards == 6)
        #expect(totals.steps == 3)
        #expect(episode.left == 2)
    }

    @Test func takesNoStepWhereNothingIsChosenAtFirst() throws {
        var episode = Countdown(stop: 5)
        #expect(try episode.play(seed: 5) == EpisodeTotals())
    }
}
