import Learning
import Processes

/// How a run's present policy is evaluated: always taking its best action, in episodes of their own.
struct PolicyEvaluation {
    /// Seeds of the episodes.
    let seeds: [UInt64]
    /// Plays episodes with the present policy.
    let evaluate: ([UInt64]) throws -> Evaluation
    /// What an episode returns in the mean, where the environment has a table of its transitions.
    let expectedReturn: (() -> Double)?

    /// Plays the episodes, each process its part of them; all get the same.
    func play(_ processes: ProcessGroup = .single) throws -> EpisodeReturns { try play(seeds, processes) }

    /// Plays as many episodes that no policy has been chosen by: seeds that follow those of `play`.
    func playOthers() throws -> EpisodeReturns { try play(seeds.map { $0 + UInt64(seeds.count) }, .single) }

    private func play(_ seeds: [UInt64], _ processes: ProcessGroup) throws -> EpisodeReturns {
        let own = try evaluate(Array(seeds[processes.share(of: seeds.count)]))
        var message = Message()
        message.append(own.returns)
        message.append(own.lengths)
        var (returns, lengths): ([Double], [Int]) = ([], [])
        for bytes in try processes.gather(message.bytes) {
            var message = Message(bytes)
            returns += try message.take(Double.self)
            lengths += try message.take(Int.self)
        }
        return EpisodeReturns(seeds: seeds, returns: returns, lengths: lengths, expected: expectedReturn?())
    }
}

/// What `evaluation.json` says: the last policy's returns, and under `best` those of the policy that was kept.
public struct EvaluationFile: Encodable {
    /// Of the last policy.
    public internal(set) var last: EpisodeReturns
    /// Of the policy of the best evaluation during training; `nil` where none was kept.
    public internal(set) var best: Best?

    /// The policy of the best evaluation during training, in episodes that it was not chosen by.
    public struct Best: Encodable {
        /// The step that it was found at.
        public var step: Int
        /// What it returned.
        public var returns: EpisodeReturns

        private enum CodingKeys: CodingKey {
            case step
        }

        public func encode(to encoder: any Encoder) throws {
            try returns.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(step, forKey: .step)
        }
    }

    private enum CodingKeys: CodingKey {
        case best
    }

    public func encode(to encoder: any Encoder) throws {
        try last.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(best, forKey: .best)
    }
}

/// What episodes of a trained policy returned.
public struct EpisodeReturns: Encodable, Sendable {
    /// Seed of each episode.
    public internal(set) var seeds: [UInt64]
    /// Sum of rewards of each episode.
    public internal(set) var returns: [Double]
    /// Steps of each episode.
    public internal(set) var lengths: [Int]
    /// Mean of the returns.
    public internal(set) var mean: Double
    /// Standard deviation of the returns, as of a sample; `nil` for a single episode.
    public internal(set) var deviation: Double?
    /// What an episode returns in the mean, computed from the environment's transitions where it has a table of them.
    public internal(set) var expected: Double?

    init(seeds: [UInt64], returns: [Double], lengths: [Int], expected: Double? = nil) {
        (self.seeds, self.returns, self.lengths, self.expected) = (seeds, returns, lengths, expected)
        let mean = returns.reduce(0, +) / Double(returns.count)
        self.mean = mean
        guard returns.count > 1 else { return }
        deviation = (returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(returns.count - 1)).squareRoot()
    }

    /// What a table and TensorBoard show of it.
    var figures: [TrainingFigure] {
        [
            TrainingFigure("evaluation", "mean_return", mean),
            TrainingFigure("evaluation", "deviation", deviation),
            TrainingFigure("evaluation", "mean_length", Double(lengths.reduce(0, +)) / Double(lengths.count)),
        ]
    }
}
