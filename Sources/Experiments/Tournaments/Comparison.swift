import Cluster

/// Policies compared over the same episodes.
public struct Comparison: Codable, Sendable {
    /// One episode of one policy.
    public struct Episode: Codable, Sendable {
        /// Name of the policy.
        public var policy: String
        /// Name of the load pattern.
        public var pattern: String
        /// What decided the episode.
        public var seed: UInt64
        /// What it was like.
        public var figures: EpisodeFigures

        /// An episode that has been played.
        public init(policy: String, pattern: String, seed: UInt64, figures: EpisodeFigures) {
            (self.policy, self.pattern, self.seed, self.figures) = (policy, pattern, seed, figures)
        }
    }

    /// What is known of one policy under one pattern, or under all.
    public struct Row: Codable, Sendable {
        /// Name of the policy.
        public var policy: String
        /// A load pattern, or `all`.
        public var pattern: String
        /// Each figure by its name.
        public var figures: [String: Estimate]
        /// Differences from the reference policy, episode by episode; empty for the reference itself.
        public var differences: [String: Estimate]
    }

    /// The policy that the others are compared with.
    public var reference: String
    /// Names of the policies in the order of the table.
    public var policies: [String]
    /// Names of the load patterns.
    public var patterns: [String]
    /// Every pattern's rows, then those over all patterns.
    public var rows: [Row]
    /// Every episode.
    public var episodes: [Episode]

    /// The row over all patterns.
    public static let allPatterns = "all"

    /// Summarises episodes of `policies`, each of which has played the same patterns and seeds.
    ///
    /// Over all patterns, a seed counts once, with its mean over the patterns: episodes of one seed have their cluster
    /// in common and are not independent.
    public init(
        episodes: [Episode], policies: [String], patterns: [String], reference: String, bootstrap: Bootstrap
    ) {
        (self.episodes, self.policies, self.patterns, self.reference) = (episodes, policies, patterns, reference)
        rows = []
        for pattern in patterns + (patterns.count > 1 ? [Self.allPatterns] : []) {
            for policy in policies {
                var row = Row(policy: policy, pattern: pattern, figures: [:], differences: [:])
                for figure in EpisodeFigures.all {
                    let own = Self.bySeed(episodes, policy, pattern, figure)
                    row.figures[figure.name] = bootstrap.estimate(own.sorted { $0.key < $1.key }.map(\.value))
                    guard policy != reference else { continue }
                    let others = Self.bySeed(episodes, reference, pattern, figure)
                    let differences = own.sorted { $0.key < $1.key }.compactMap { seed, value in
                        others[seed].map { value - $0 }
                    }
                    row.differences[figure.name] = bootstrap.estimate(differences)
                }
                rows.append(row)
            }
        }
    }

    private static func bySeed(
        _ episodes: [Episode], _ policy: String, _ pattern: String, _ figure: EpisodeFigures.Figure
    ) -> [UInt64: Double] {
        var values: [UInt64: [Double]] = [:]
        for episode in episodes
        where episode.policy == policy && (pattern == allPatterns || episode.pattern == pattern) {
            if let value = figure.value(episode.figures) { values[episode.seed, default: []].append(value) }
        }
        return values.mapValues { $0.reduce(0, +) / Double($0.count) }
    }
}

extension EpisodeFigures {
    /// A figure as the table shows it.
    public struct Figure: Sendable {
        /// Name in `evaluation.json`.
        public var name: String
        /// Head of the table's column; `nil` for a figure that is only in `evaluation.json`.
        public var title: String?
        /// Factor from the unit in `evaluation.json` to that of the table.
        public var scale: Double
        /// Digits after the point in the table.
        public var digits: Int
        /// The figure of an episode; `nil` where there is none.
        public var value: @Sendable (EpisodeFigures) -> Double?

        init(
            name: String, title: String? = nil, scale: Double = 1, digits: Int = 0,
            value: @escaping @Sendable (EpisodeFigures) -> Double?
        ) {
            (self.name, self.title, self.scale, self.digits, self.value) = (name, title, scale, digits, value)
        }
    }

    /// The figures that policies are compared by.
    public static let all: [Figure] = [
        Figure(name: "over_objective", title: "over SLO %", scale: 100, digits: 2) { $0.overObjective },
        Figure(name: "p99_seconds", title: "p99 ms", scale: 1000, digits: 0) { $0.p99 },
        Figure(name: "throughput", title: "requests/s", scale: 1, digits: 1) { $0.throughput },
        Figure(name: "cores", title: "CPU cores", scale: 1, digits: 2) { $0.cores },
        Figure(name: "cost_share") { $0.costShare },
        Figure(name: "churn_per_hour", title: "churn/h", scale: 1, digits: 1) { $0.churn },
        Figure(name: "decision_seconds", title: "decision µs", scale: 1e6, digits: 1) { $0.decisionSeconds },
        Figure(name: "reward", title: "reward", scale: 1, digits: 4) { $0.reward },
        Figure(name: "over_objective_term") { $0.terms.overObjective },
        Figure(name: "cost_term") { $0.terms.cost },
        Figure(name: "churn_term") { $0.terms.churn },
    ]

    /// The figures that the table shows.
    public static let table = all.filter { $0.title != nil }
}
