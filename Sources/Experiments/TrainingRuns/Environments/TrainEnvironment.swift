public import Settings

/// What a policy is trained in: a kind of environment and its settings.
public struct TrainEnvironment: ConfigurableChoice, Equatable {
    /// Name of the kind, one of `EnvironmentKind.all`.
    public let kind: String
    private var settings: any Configurable & Equatable

    init(kind: String, settings: any Configurable & Equatable) {
        (self.kind, self.settings) = (kind, settings)
    }

    /// The first kind of `EnvironmentKind.all` with its default settings.
    public init() {
        let first = EnvironmentKind.all[0]
        self.init(kind: first.name, settings: first.standard)
    }

    public static var choices: [Choice<TrainEnvironment>] { EnvironmentKind.all.map(\.choice) }

    public var selected: (kind: String, settings: any Configurable) { (kind, settings) }

    /// The settings, where they are of this type: `nil` for another kind of environment.
    public func settings<Settings: Configurable & Equatable>(as type: Settings.Type) -> Settings? {
        settings as? Settings
    }

    /// Changes the settings, where they are of this type.
    /// - Returns: whether they are.
    @discardableResult
    public mutating func change<Settings: Configurable & Equatable>(
        _ type: Settings.Type, _ body: (inout Settings) -> Void
    ) -> Bool {
        guard var own = settings as? Settings else { return false }
        body(&own)
        settings = own
        return true
    }

    /// Puts in what the settings name as files.
    /// - Parameter file: the configuration, from whose folder paths start.
    mutating func readFiles(besides file: String) throws(SettingsError) {
        guard let kind = EnvironmentKind.named(kind) else { return }
        settings = try kind.reading(settings, file)
    }

    /// How learners are made in it.
    func ground(_ preparation: Preparation) throws -> TrainingGround {
        guard let own = EnvironmentKind.named(kind) else {
            preconditionFailure("a kind that is not on the list: \(kind)")
        }
        return try own.ground(settings, preparation)
    }

    public static func == (one: TrainEnvironment, other: TrainEnvironment) -> Bool {
        one.kind == other.kind && one.settings.isEqual(to: other.settings)
    }
}

extension Equatable {
    /// Whether the other one is of the same type and equal.
    fileprivate func isEqual(to other: Any) -> Bool { other as? Self == self }
}
