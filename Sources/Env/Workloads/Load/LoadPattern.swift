public import Settings

/// How the arrival rate of a service goes up and down in an episode, as ranges to draw from.
///
/// A pattern is a level around 1 that multiplies the service's base rate. Arrivals are open-loop: they do not wait for
/// answers.
public enum LoadPattern: ConfigurableChoice, Equatable {
    /// The same level throughout.
    case constant(ConstantLoad)
    /// One level, then a straight line to another, which stays.
    case ramp(RampLoad)
    /// Short rises far above the level before.
    case spike(SpikeLoad)
    /// A sine wave.
    case periodic(PeriodicLoad)
    /// A random walk that returns to 1.
    case random(RandomLoad)
    /// Request counts from a file.
    case trace(TraceLoad)

    /// The pattern of each `kind`.
    public static var choices: [Choice<LoadPattern>] {
        [
            Choice("constant", ConstantLoad.self) { .constant($0) },
            Choice("ramp", RampLoad.self) { .ramp($0) },
            Choice("spike", SpikeLoad.self) { .spike($0) },
            Choice("periodic", PeriodicLoad.self) { .periodic($0) },
            Choice("random", RandomLoad.self) { .random($0) },
            Choice("trace", TraceLoad.self) { .trace($0) },
        ]
    }

    /// The `kind` of this pattern and its settings.
    public var selected: (kind: String, settings: any Configurable) {
        switch self {
        case .constant(let settings): ("constant", settings)
        case .ramp(let settings): ("ramp", settings)
        case .spike(let settings): ("spike", settings)
        case .periodic(let settings): ("periodic", settings)
        case .random(let settings): ("random", settings)
        case .trace(let settings): ("trace", settings)
        }
    }
}

/// The same level throughout.
public struct ConstantLoad: Configurable, Equatable {
    /// The level.
    public var level = ValueRange(1)

    /// A level of 1.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("level", level, in: 0...1000)
    }
}

/// One level, then a straight line to another, which stays.
public struct RampLoad: Configurable, Equatable {
    /// Level at the start.
    public var from = ValueRange(0.4, 0.9)
    /// Level at the end.
    public var to = ValueRange(0.9, 1.6)
    /// Seconds until the line begins.
    public var start = ValueRange(60, 480)
    /// Seconds from one level to the other; 0 is a step.
    public var duration = ValueRange(60, 480)
    /// Probability that the two levels change places, so that the load falls.
    public var falling = 0.3

    /// A ramp that starts within eight minutes.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("from", from, in: 0...1000)
        try require("to", to, in: 0...1000)
        try require("start", start, in: 0...)
        try require("duration", duration, in: 0...)
        try require("falling", falling, in: 0...1)
    }
}

/// Short rises far above the level before, again and again.
public struct SpikeLoad: Configurable, Equatable {
    /// Level between spikes.
    public var level = ValueRange(0.5, 0.8)
    /// Level at the top / level between spikes.
    public var height = ValueRange(2, 3.5)
    /// Seconds until the first spike, and from each spike's end to the next.
    public var gap = ValueRange(120, 360)
    /// Seconds from the bottom to the top, and back.
    public var rise = ValueRange(0, 20)
    /// Seconds at the top.
    public var hold = ValueRange(60, 160)

    /// Two to five spikes in twenty minutes.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("level", level, in: 0...1000)
        try require("height", height, in: 1...1000)
        try require("gap", gap, above: 0)
        try require("rise", rise, in: 0...)
        try require("hold", hold, above: 0)
    }
}

/// A sine wave around a level, starting anywhere on it.
public struct PeriodicLoad: Configurable, Equatable {
    /// Mean level.
    public var level = ValueRange(0.8, 1.1)
    /// Height of the wave over the mean / mean.
    public var amplitude = ValueRange(0.2, 0.6)
    /// Seconds of a full wave.
    public var period = ValueRange(300, 1200)

    /// One to four waves in twenty minutes.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("level", level, in: 0...1000)
        try require("amplitude", amplitude, in: 0...1)
        try require("period", period, above: 0)
    }
}

/// A level whose logarithm is an Ornstein-Uhlenbeck process: it wanders and returns to its mean.
public struct RandomLoad: Configurable, Equatable {
    /// Median level.
    public var level = ValueRange(0.8, 1.1)
    /// Standard deviation of the level's natural logarithm in the long run.
    public var deviation = ValueRange(0.15, 0.35)
    /// Seconds over which the correlation falls to 1/e.
    public var memory = ValueRange(120, 600)

    /// A level that wanders by about a quarter over some minutes.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("level", level, in: 0...1000)
        try require("deviation", deviation, in: 0...3)
        try require("memory", memory, above: 0)
    }
}

/// Request counts from a CSV file, from a random moment of it on, scaled so that their mean over the file is `level`.
public struct TraceLoad: Configurable, Equatable {
    /// The CSV file: a header line, then one line for each period of equal length; the last column is the count.
    public var path = ""
    /// Mean level over the file.
    public var level = ValueRange(0.8, 1.1)
    /// Seconds of the episode that a line lasts: 60 plays a trace of requests per minute at its own pace.
    public var secondsPerLine = ValueRange(60)
    /// Share of the file that episodes may start in, so that training and evaluation can use different parts.
    public var part = ValueRange(0, 1)
    /// Levels above this many times the mean are cut.
    public var highest = 4.0

    /// A trace at its own pace; `path` has to be given.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("path", notEmpty: path)
        try require("level", level, in: 0...1000)
        try require("secondsPerLine", secondsPerLine, above: 0)
        try require("part", part, in: 0...1)
        try require("highest", highest, above: 1)
    }
}
