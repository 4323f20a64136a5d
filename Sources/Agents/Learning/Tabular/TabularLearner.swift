import Foundation
public import Gym
import Randomness

/// Tabular Q-learning (Watkins, "Learning from delayed rewards", 1989) and SARSA (Rummery and Niranjan, "On-line
/// Q-learning using connectionist systems", 1994) in one environment.
///
/// One step: (1) an action is taken, with probability ε any legal one and else the best known; (2) its target is
/// computed; (3) its value moves towards the target:
///
///     Q(s, a) ← Q(s, a) + α · (r + γ^Δt · V − Q(s, a))
///
/// with V = max over the legal a′ of Q(s′, a′) in Q-learning and V = Q(s′, a′) of the action a′ taken next in SARSA.
/// Δt is the step's time in control intervals. V is 0 after a termination; a truncated episode has a future, so V is
/// then that of its last observation, in SARSA with the action that would have been taken. Only actions that are legal
/// in a decision are ever looked at, for the maximum as for the draw; among equals the first is the best.
///
/// Equal settings, seed and environment give equal values, bit for bit. The learner belongs to one thread.
public final class TabularLearner<E: Environment & Sendable, D: Discretizer>
where E.ActionSpace == Discrete, D.Observation == E.ObservationSpace.Element {
    /// Hyperparameters.
    public let settings: TabularSettings
    /// Where the value of each state-action pair is in the table.
    public let discretizer: D
    /// The table: the value of each state-action pair, `discretizer.count` of them.
    public internal(set) var values: [Double]
    /// Steps so far.
    public internal(set) var steps = 0
    /// Iterations so far.
    public internal(set) var iterations = 0
    /// Episodes that have ended so far.
    public internal(set) var episodes = 0
    var environment: E
    /// Decides when to explore and draws what is then taken.
    var generator: RandomGenerator
    /// What the environment shows now, and the table's entries of what is legal there.
    var observation: D.Observation
    var entries: [Int] = []
    /// SARSA's next action, an index of `entries`, which was drawn for the last target; `nil` when none was.
    var pendingAction: Int?
    /// Sum of rewards and steps of the episode so far.
    var currentReturn = 0.0
    var currentLength = 0
    private var nextEntries: [Int] = []

    /// A learner that has taken no step.
    /// - Parameters:
    ///   - environment: reset here, its episodes decided by `seed`.
    ///   - discretizer: fits the environment's observations and actions.
    ///   - seed: decides the episodes and the actions.
    /// - Throws: `LearningError` when the table would have more than `TabularSettings.largestTable` entries or the
    ///   first decision has no legal action; what the environment throws.
    public init(settings: TabularSettings, environment: E, discretizer: D, seed: UInt64) throws {
        let count = discretizer.count
        guard count <= TabularSettings.largestTable else {
            let size = count == Int.max ? "too many entries to count" : "\(count) entries"
            throw LearningError(
                .tableTooLarge,
                "the table would have \(size), more than \(TabularSettings.largestTable): divide fewer features, or "
                    + "give them fewer bins")
        }
        var environment = environment
        var episodeSeeds = RandomGenerator(seed: seed, stream: 4)
        let observation = try environment.reset(seed: episodeSeeds.next())
        self.settings = settings
        self.discretizer = discretizer
        self.environment = environment
        self.observation = observation
        values = Array(repeating: settings.initialValue, count: count)
        generator = RandomGenerator(seed: seed, stream: 3)
        try find(observation, actions: environment.actionSpace.count, into: &entries)
    }

    /// Whether the run has taken all its steps.
    public var isFinished: Bool { steps >= settings.totalSteps }

    /// One iteration: `settings.stepsPerIteration` steps, with an update in each.
    /// - Throws: what the environment throws; `LearningError` for a decision without legal actions or a target that is
    ///   not finite.
    public func runIteration() throws -> TabularMetrics {
        let clock = ContinuousClock()
        let start = clock.now
        var sums = IterationSums()
        for _ in 0..<settings.stepsPerIteration { try takeStep(&sums) }
        iterations += 1

        var metrics = TabularMetrics()
        metrics.iteration = iterations
        metrics.steps = steps
        metrics.episodes = sums.episodes
        if sums.episodes > 0 {
            metrics.meanReturn = sums.returns / Double(sums.episodes)
            metrics.meanLength = Double(sums.lengths) / Double(sums.episodes)
        }
        metrics.temporalDifference = sums.errors / Double(settings.stepsPerIteration)
        (metrics.learningRate, metrics.exploration) = (sums.learningRate, sums.exploration)
        metrics.seconds = (clock.now - start) / .seconds(1)
        metrics.stepsPerSecond = Double(settings.stepsPerIteration) / metrics.seconds
        return metrics
    }

    private func takeStep(_ sums: inout IterationSums) throws {
        let progress = min(1, Double(steps) / Double(settings.totalSteps))
        let rate = settings.learningRateSchedule.value(settings.learningRate, at: progress)
        let exploration = settings.exploration.value(at: progress)

        // 1. An action. SARSA has drawn it already, for the target of the step before.
        let action = pendingAction ?? draw(entries, exploration)
        let (next, outcome) = try environment.step(action)

        // 2. Its target.
        var target = outcome.reward
        var nextAction: Int?
        if !outcome.terminated {
            try find(next, actions: environment.actionSpace.count, into: &nextEntries)
            let following: Int
            switch settings.algorithm {
            case .qLearning: following = best(nextEntries)
            case .sarsa:
                following = draw(nextEntries, exploration)
                nextAction = following
            }
            target += pow(settings.discount, outcome.elapsed) * values[nextEntries[following]]
        }

        // 3. The update.
        let error = target - values[entries[action]]
        guard error.isFinite else {
            throw LearningError(
                .diverged,
                "a target is not finite: check the environment's rewards and times, and lower discount if values grow "
                    + "without end")
        }
        values[entries[action]] += rate * error

        steps += 1
        currentReturn += outcome.reward
        currentLength += 1
        sums.errors += abs(error)
        (sums.learningRate, sums.exploration) = (rate, exploration)
        if outcome.ended {
            sums.episodes += 1
            sums.returns += currentReturn
            sums.lengths += currentLength
            episodes += 1
            (currentReturn, currentLength, pendingAction) = (0, 0, nil)
            observation = try environment.reset(seed: nil)
            try find(observation, actions: environment.actionSpace.count, into: &entries)
        } else {
            observation = next
            swap(&entries, &nextEntries)
            pendingAction = nextAction
        }
    }

    // MARK: Choosing

    /// Replaces `entries` by the table's entries of the legal actions.
    fileprivate func find(_ observation: D.Observation, actions: Int, into entries: inout [Int]) throws {
        discretizer.entries(of: observation, actions: actions, into: &entries)
        guard !entries.isEmpty else {
            throw LearningError(
                .noCandidates,
                "the environment gave a decision without legal actions: every decision needs at least one, that after "
                    + "the last step of a truncated episode too")
        }
    }

    /// Index of the entry of the greatest value, the first among equals.
    /// - Precondition: there is an entry.
    fileprivate func best(_ entries: [Int]) -> Int {
        var best = 0
        for index in entries.indices where values[entries[index]] > values[entries[best]] { best = index }
        return best
    }

    /// Index of an entry: any with probability `exploration`, else the best.
    private func draw(_ entries: [Int], _ exploration: Double) -> Int {
        generator.chance(exploration) ? generator.index(below: entries.count) : best(entries)
    }

    /// Plays one episode from each seed, always taking the best known action; nothing is learned.
    /// - Parameters:
    ///   - environment: one whose episodes end whatever is done in them, as `TimeLimit` sees to.
    ///   - seeds: one for each episode, which it decides.
    /// - Throws: what the environment throws; `LearningError` for a decision without legal actions.
    public func evaluate(in environment: E, seeds: [UInt64]) throws -> Evaluation {
        var episode = TableEpisode(learner: self, environment: environment)
        return try Evaluation(of: &episode, seeds: seeds)
    }
}

/// An episode in which the best known action is always taken.
private struct TableEpisode<E: Environment & Sendable, D: Discretizer>: Episode
where E.ActionSpace == Discrete, D.Observation == E.ObservationSpace.Element {
    let learner: TabularLearner<E, D>
    var environment: E
    private var observation: D.Observation?
    private var entries: [Int] = []

    init(learner: TabularLearner<E, D>, environment: E) {
        (self.learner, self.environment) = (learner, environment)
    }

    mutating func begin(seed: UInt64) throws { observation = try environment.reset(seed: seed) }

    mutating func choose() throws -> Int? {
        guard let observation else { return nil }
        try learner.find(observation, actions: environment.actionSpace.count, into: &entries)
        return learner.best(entries)
    }

    mutating func perform(_ action: Int) throws -> Outcome {
        let (next, outcome) = try environment.step(action)
        observation = next
        return outcome
    }
}

extension TabularLearner where D == StateDiscretizer {
    /// The best known action of each state, the first among equals.
    public func greedyPolicy() -> [Int] {
        (0..<discretizer.states).map { state in
            let first = state * discretizer.actions
            return best(Array(first..<first + discretizer.actions))
        }
    }
}

/// Sums over the steps of an iteration.
private struct IterationSums {
    var errors = 0.0
    var episodes = 0
    var returns = 0.0
    var lengths = 0
    var learningRate = 0.0
    var exploration = 0.0
}
