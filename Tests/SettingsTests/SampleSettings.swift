import Settings

/// The settings that the tests decode: every kind of member that is supported.
struct Sample: Configurable, Equatable {
    var seed: UInt64 = 7
    var gamma = 0.99
    var rate: Float = 3e-4
    var verbose = false
    var title = "a run"
    var strategy = Strategy.spread
    var limit: Int?
    var weights = [0.5, 0.25]
    var labels = ["zone": "a"]
    var cluster = SampleCluster(interval: 5)
    var pattern = SamplePattern.ramp(.init(from: 10, to: 20))
    var extra: SampleNode?
    var pools: [String: SampleNode] = [:]

    func validate() throws(SettingsError) {
        try require("gamma", gamma, in: 0...1)
        try require("limit", limit, in: 1...)
        try require("weights", each: weights, in: 0...)
        try require("rate", rate, above: 0)
        try require("title", notEmpty: title)
    }
}

enum Strategy: String, Codable, CaseIterable {
    case spread, pack
    case leastAllocated = "least-allocated"
}

struct SampleCluster: Configurable, Equatable {
    var interval = 20.0
    var timeout = Double.infinity
    var nodes = [SampleNode(), SampleNode(cpu: 8)]

    static var keysAllowingInfinity: Set<String> { ["timeout"] }

    func validate() throws(SettingsError) {
        try require("interval", interval <= timeout, must: "not exceed timeout")
    }
}

struct SampleNode: Configurable, Equatable {
    var cpu = 4
    var memory = 16.0

    func validate() throws(SettingsError) {
        try require("cpu", cpu, in: 1...256)
    }
}

enum SamplePattern: ConfigurableChoice, Equatable {
    case ramp(Ramp)
    case spike(Spike)
    case idle

    struct Ramp: Configurable, Equatable {
        var from = 0.0
        var to = 100.0
    }

    struct Spike: Configurable, Equatable {
        var height = 3.0
        func validate() throws(SettingsError) { try require("height", height, above: 1) }
    }

    struct Idle: Configurable, Equatable {}

    static var choices: [Choice<SamplePattern>] {
        [
            Choice("ramp", Ramp.self) { .ramp($0) }, Choice("spike", Spike.self) { .spike($0) },
            Choice("idle", Idle.self) { _ in .idle },
        ]
    }

    var selected: (kind: String, settings: any Configurable) {
        switch self {
        case .ramp(let settings): ("ramp", settings)
        case .spike(let settings): ("spike", settings)
        case .idle: ("idle", Idle())
        }
    }
}

/// Runs `body` and gives the error it throws, or `nil`.
func settingsError(_ body: () throws -> Void) -> SettingsError? {
    do {
        try body()
    } catch {
        return error as? SettingsError
    }
    return nil
}

/// The error of decoding `yaml`.
func failure(_ yaml: String, _ overrides: [String] = []) -> SettingsError? {
    settingsError { _ = try Sample.decode(yaml: yaml, file: "run.yaml", overrides: overrides) }
}
