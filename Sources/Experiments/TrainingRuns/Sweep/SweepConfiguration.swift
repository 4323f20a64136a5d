import Foundation
import Randomness
public import Settings

/// What `berth sweep` reads: which keys of a training configuration to vary, and how.
public struct SweepConfiguration: Configurable, Equatable {
    /// The training configuration; its path starts from the folder of this file.
    public var training = ""
    /// Decides what the trials try. Every trial trains with the seed of the training configuration.
    public var seed: UInt64 = 0
    /// Different settings to try.
    public var trials = 16
    /// For each key of the training configuration that is varied, as `--set` writes it, the values to draw from.
    public var space: [String: ParameterSpace] = [:]
    /// Train most trials for a part of their steps only. Absent: random search, every trial to its end.
    public var halving: HalvingSettings?

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("training", notEmpty: training)
        try require("trials", trials, in: 1...100_000)
        try require("space", notEmpty: space)
        for (key, values) in space.sorted(by: { $0.key < $1.key }) { try values.check("space.\(key)") }
        if let halving, halving.factor > trials {
            throw SettingsError(
                key: "halving.factor", problem: "must not be more than the \(trials) trials, found \(halving.factor)")
        }
    }
}

/// Successive halving (Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter
/// optimization", 2016): all trials train for `firstSteps`, the best 1/`factor` of them go on to `factor` times as
/// many, and so on to the end.
public struct HalvingSettings: Configurable, Equatable {
    /// Steps of the first round.
    public var firstSteps = 10_000
    /// How many times fewer trials and more steps the next round has.
    public var factor = 3

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("firstSteps", firstSteps, in: 1...)
        try require("factor", factor, in: 2...)
    }
}

/// The values that a key can take.
public enum ParameterSpace: ConfigurableChoice, Equatable {
    /// Any number between two bounds, all equally likely.
    case uniform(RangeSpace)
    /// Any number between two bounds above 0, its logarithm uniform: for learning rates.
    case logUniform(RangeSpace)
    /// A whole number between two bounds, both included.
    case integer(RangeSpace)
    /// One of a list.
    case choice(ChoiceSpace)

    public static var choices: [Choice<ParameterSpace>] {
        [
            Choice("uniform", RangeSpace.self) { .uniform($0) },
            Choice("logUniform", RangeSpace.self) { .logUniform($0) },
            Choice("integer", RangeSpace.self) { .integer($0) },
            Choice("choice", ChoiceSpace.self) { .choice($0) },
        ]
    }

    public var selected: (kind: String, settings: any Configurable) {
        switch self {
        case .uniform(let settings): ("uniform", settings)
        case .logUniform(let settings): ("logUniform", settings)
        case .integer(let settings): ("integer", settings)
        case .choice(let settings): ("choice", settings)
        }
    }

    /// A value, as it is written in YAML.
    func draw(using generator: inout RandomGenerator) -> String {
        switch self {
        case .uniform(let range):
            return range.number(generator.uniform(in: range.low...range.high))
        case .logUniform(let range):
            return range.number(exp(generator.uniform(in: log(range.low)...log(range.high))))
        case .integer(let range):
            let (low, high) = (Int(range.low.rounded(.up)), Int(range.high.rounded(.down)))
            return String(low + generator.index(below: max(1, high - low + 1)))
        case .choice(let list):
            return list.values[generator.index(below: list.values.count)]
        }
    }

    /// Refuses bounds that the kind cannot have.
    fileprivate func check(_ key: String) throws(SettingsError) {
        if case .logUniform(let range) = self, !(range.low > 0) {
            throw SettingsError(key: "\(key).low", problem: "must be greater than 0, found \(range.low)")
        }
        if case .integer(let range) = self, range.low.rounded(.up) > range.high.rounded(.down) {
            throw SettingsError(
                key: key, problem: "there is no whole number from \(range.low) to \(range.high)")
        }
    }
}

/// Two bounds.
public struct RangeSpace: Configurable, Equatable {
    /// The least value.
    public var low = 0.0
    /// The greatest value.
    public var high = 1.0

    /// A number between the bounds as it is written in YAML. Four digits, unless that leaves the bounds: more say
    /// nothing about a hyperparameter.
    fileprivate func number(_ value: Double) -> String {
        let text = String(format: "%.4g", value)
        if let rounded = Double(text), (low...high).contains(rounded) { return text }
        return "\(min(max(value, low), high))"
    }

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("low", abs(low) < 1e15, must: "be a number below 1e15, found \(low)")
        try require("high", abs(high) < 1e15, must: "be a number below 1e15, found \(high)")
        try require("high", high >= low, must: "be low (\(low)) or more, found \(high)")
    }
}

/// A list of values.
public struct ChoiceSpace: Configurable, Equatable {
    /// The values, each as YAML in quotes: `"256"`, `"[64, 64]"`.
    public var values: [String] = [""]

    /// The default settings.
    public init() {}

    public func validate() throws(SettingsError) { try require("values", notEmpty: values) }
}
