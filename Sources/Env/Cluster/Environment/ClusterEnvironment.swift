public import Gym
public import Settings

/// How a cluster becomes an environment.
public struct ClusterEnvironmentSettings: Configurable, Equatable {
    /// Control intervals of an episode.
    public var intervals = 60
    /// Which actions are legal.
    public var actions = ActionRules()
    /// Weights of the reward.
    public var reward = RewardSettings()

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("intervals", intervals, in: 1...1_000_000)
    }
}

/// What the last step of a cluster environment did.
public struct ClusterInfo: Sendable, Equatable, Codable {
    /// The action taken; `nil` after a reset.
    public var action: ClusterAction?
    /// Why the cluster refused the action; `nil` when it was carried out.
    public var refusal: ActionObstacle?
    /// What happened in the interval; `nil` unless the action was `advance`.
    public var report: IntervalReport?
    /// The interval's reward term by term; `nil` unless the action was `advance`.
    public var terms: RewardTerms?
}

/// A cluster as an environment of placement and control decisions.
///
/// Pending replicas are placed first, in queue order, each by a decision of its own; then control actions are taken
/// until `advance` lets the interval pass. Every action but `advance` takes no time and has reward 0. An episode is
/// truncated after `settings.intervals` intervals, or when the backend reports that it cannot go on.
///
/// With a predictor observations also tell what p99 it predicts on the nodes of a placement, and nodes over its risk limit
/// are no candidates.
public struct ClusterEnvironment<Backend: ClusterBackend>: CandidateEnvironment {
    /// How the cluster became an environment.
    public let settings: ClusterEnvironmentSettings
    /// The cluster that actions are applied to.
    public private(set) var backend: Backend
    /// The decision to make now; `nil` before the first reset. After the last step of an episode it is the one that
    /// would have come next, so that a truncated episode can be bootstrapped.
    public private(set) var decision: Decision?
    /// What the last step did.
    public private(set) var info = ClusterInfo()
    /// Intervals that have passed in this episode.
    public private(set) var interval = 0
    private var isRunning = false
    private var ledger = ControlLedger()
    private var predictor: PlacementPredictor?
    private var encoder: ObservationEncoder
    private var nextSeed: UInt64

    /// An environment over `backend`.
    /// - Parameters:
    ///   - seed: decides the episodes of resets that name no seed.
    ///   - predictor: of the p99 on the nodes of a placement; `nil` for none.
    public init(
        backend: Backend, settings: ClusterEnvironmentSettings, seed: UInt64, predictor: PlacementPredictor? = nil
    ) {
        self.backend = backend
        self.settings = settings
        self.predictor = predictor
        encoder = ObservationEncoder(predictor: predictor)
        nextSeed = seed
    }

    /// What is known of the cluster now.
    public var snapshot: ClusterSnapshot { backend.snapshot }
    public var observationSpace: CandidateSpace { encoder.space }
    public var actionSpace: Discrete { Discrete(count: decision?.candidates.count ?? 0) }

    /// Starts an episode without encoding an observation.
    /// - Parameter seed: decides the episode; `nil` takes the next of a sequence fixed by the last seed.
    public mutating func begin(seed: UInt64?) throws {
        let episode = seed ?? nextSeed
        nextSeed = episode &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        try backend.reset(seed: episode)
        interval = 0
        ledger = ControlLedger()
        info = ClusterInfo()
        isRunning = true
        decide()
    }

    /// Takes the candidate at `index` without encoding the next observation.
    /// - Throws: `EnvironmentError` when there is no such candidate; what the backend throws.
    public mutating func perform(_ index: Int) throws -> Outcome {
        guard let decision, isRunning else { throw EnvironmentError.needsReset }
        guard decision.candidates.indices.contains(index) else {
            throw EnvironmentError(
                "candidate \(index) of \(decision.candidates.count): expected an index into the list")
        }
        let action = decision.candidates[index]
        info = ClusterInfo(action: action)
        if action == .advance { return try advance() }
        info.refusal = try backend.apply(action)
        record(action, refused: info.refusal != nil)
        decide()
        return Outcome(reward: 0, elapsed: 0)
    }

    private mutating func advance() throws -> Outcome {
        let report = try backend.advance()
        interval += 1
        ledger = ControlLedger()
        let desired = backend.snapshot.services.reduce(0) { $0 + $1.replicas }
        let terms = RewardTerms(report, desiredReplicas: desired)
        info.report = report
        info.terms = terms
        decide()
        let truncated = interval >= settings.intervals || report.failure != nil
        isRunning = !truncated
        return Outcome(
            reward: terms.reward(settings.reward), elapsed: report.duration / backend.snapshot.interval,
            truncated: truncated)
    }

    private mutating func record(_ action: ClusterAction, refused: Bool) {
        if refused { ledger.refused.append(action) }
        switch action {
        case .advance: break
        case .place(let pod, _): if refused { ledger.unplaceable.append(pod) }
        case .scale(let service, _): ledger.scaled.append(service)
        case .resize(let service, _): ledger.resized.append(service)
        case .evict: ledger.evictions += 1
        }
    }

    private mutating func decide() {
        let lister = CandidateLister(rules: settings.actions)
        let snapshot = backend.snapshot
        if var placement = lister.placement(in: snapshot, ledger) {
            predictor?.restrict(&placement, in: snapshot)
            decision = placement
        } else {
            decision = lister.control(in: snapshot, ledger)
        }
    }

    public mutating func reset(seed: UInt64?, appendingTo batch: inout CandidateBatch) throws {
        try begin(seed: seed)
        observe(appendingTo: &batch)
    }

    public mutating func step(_ action: Int, appendingTo batch: inout CandidateBatch) throws -> Outcome {
        let outcome = try perform(action)
        observe(appendingTo: &batch)
        return outcome
    }

    /// Leaves only the candidate at `index` on the list, because someone else has decided.
    /// - Precondition: there is such a candidate.
    public mutating func restrict(to index: Int) {
        guard let chosen = decision?.candidates[index] else { return }
        decision?.candidates = [chosen]
    }

    /// Appends the observation of the current decision to `batch`; nothing before the first reset.
    public mutating func observe(appendingTo batch: inout CandidateBatch) {
        guard let decision else { return }
        encoder.encode(decision, in: backend.snapshot, appendingTo: &batch)
    }
}

extension ClusterEnvironment: Sendable where Backend: Sendable {}

/// Storable where the backend is: a decoded copy goes on as the original would, once it has taken what is not stored, the
/// predictor.
extension ClusterEnvironment: Codable where Backend: Codable {
    private enum CodingKeys: String, CodingKey {
        case settings, backend, decision, info, interval, isRunning, ledger, nextSeed
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        settings = try container.decode(ClusterEnvironmentSettings.self, forKey: .settings)
        backend = try container.decode(Backend.self, forKey: .backend)
        decision = try container.decodeIfPresent(Decision.self, forKey: .decision)
        info = try container.decode(ClusterInfo.self, forKey: .info)
        interval = try container.decode(Int.self, forKey: .interval)
        isRunning = try container.decode(Bool.self, forKey: .isRunning)
        ledger = try container.decode(ControlLedger.self, forKey: .ledger)
        encoder = ObservationEncoder()
        nextSeed = try container.decode(UInt64.self, forKey: .nextSeed)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(settings, forKey: .settings)
        try container.encode(backend, forKey: .backend)
        try container.encodeIfPresent(decision, forKey: .decision)
        try container.encode(info, forKey: .info)
        try container.encode(interval, forKey: .interval)
        try container.encode(isRunning, forKey: .isRunning)
        try container.encode(ledger, forKey: .ledger)
        try container.encode(nextSeed, forKey: .nextSeed)
    }
}

extension ClusterEnvironment: PartlyStored {
    public mutating func takeUnstored(from other: Self) {
        predictor = other.predictor
        encoder = other.encoder
    }
}
