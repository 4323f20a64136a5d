/// An enum whose cases carry settings of their own, written as a mapping with the key `kind`:
///
///     pattern: {kind: ramp, from: 10, to: 200}
///
/// The compiler's coding is not used: `choices` says how each kind is made and `selected` how it is taken apart.
public protocol ConfigurableChoice: Codable, Sendable {
    /// Every kind that may be written.
    static var choices: [Choice<Self>] { get }

    /// The kind of this value and its settings.
    var selected: (kind: String, settings: any Configurable) { get }
}

/// One kind of a `ConfigurableChoice`.
public struct Choice<Value: Sendable>: Sendable {
    /// What the file writes under `kind`.
    public let kind: String
    let decode: @Sendable (SettingsSlot, SettingsNode?) throws -> Value
    let decodeAny: @Sendable (any Decoder) throws -> Value

    /// - Parameters:
    ///   - kind: what the file writes under `kind`.
    ///   - settings: the type of its settings.
    ///   - make: makes the value from them, as an enum's case does.
    public init<Settings: Configurable>(
        _ kind: String, _ settings: Settings.Type, _ make: @escaping @Sendable (Settings) -> Value
    ) {
        self.kind = kind
        decode = { slot, inherited in
            let standard = try inherited ?? SettingsNode(encoding: Settings())
            return make(try slot.decodeConfigurable(settings, standard: standard, reserved: ["kind"]))
        }
        decodeAny = { make(try Settings(from: $0)) }
    }
}

private enum ChoiceKey: String, CodingKey {
    case kind
}

extension ConfigurableChoice {
    /// Reads `kind` and the settings beside it.
    public init(from decoder: any Decoder) throws {
        if let decoder = decoder as? SettingsDecoder {
            decoder.requested.all = true
            self = try decoder.slot.decodeChoice(Self.self)
            return
        }
        let container = try decoder.container(keyedBy: ChoiceKey.self)
        let kind = try container.decode(String.self, forKey: .kind)
        guard let choice = Self.choices.first(where: { $0.kind == kind }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: container, debugDescription: "there is no kind \"\(kind)\"")
        }
        self = try choice.decodeAny(decoder)
    }

    /// Writes `kind` and the settings beside it.
    public func encode(to encoder: any Encoder) throws {
        let (kind, settings) = selected
        var container = encoder.container(keyedBy: ChoiceKey.self)
        try container.encode(kind, forKey: .kind)
        try settings.encode(to: encoder)
    }
}
