public import Settings

/// Which predictions are kept, where, and for how long. A predictor's answers never change, so that lifetimes only bound
/// what is kept of rows that nobody asks about again.
public struct CacheSettings: Configurable, Equatable {
    /// Most answers kept in memory; the longest unused ones go first, about half of them at a time.
    public var entries = 100_000
    /// Requests of more rows are computed without a look at the cache, which would take longer.
    public var maximumRows = 16
    /// p99, risk and score.
    public var predictions = CacheKindSettings(seconds: 20, redis: false)
    /// Contributions, which take far longer to compute.
    public var contributions = CacheKindSettings(seconds: 300, redis: true)
    /// A Redis server behind the memory, which several servers share and which outlives them; `nil` for none.
    public var redis: RedisSettings?

    /// In memory only.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("entries", entries, in: 2...100_000_000)
        try require("maximumRows", maximumRows, in: 0...1_000_000)
    }

    /// The settings of a kind.
    func settings(of kind: CacheKey.Kind) -> CacheKindSettings {
        switch kind {
        case .prediction: predictions
        case .contributions: contributions
        }
    }
}

/// How one kind of answers is kept.
public struct CacheKindSettings: Configurable, Equatable {
    /// How long an answer is kept; 0: not at all.
    public var seconds = 20.0
    /// Whether Redis keeps it too, where one is configured. A look there takes about as long as a prediction.
    public var redis = false

    /// 20 seconds, in memory only.
    public init() {}

    /// A lifetime.
    public init(seconds: Double, redis: Bool) {
        (self.seconds, self.redis) = (seconds, redis)
    }

    public func validate() throws(SettingsError) {
        try require("seconds", seconds, in: 0...31_536_000)
    }
}

/// A Redis server.
public struct RedisSettings: Configurable, Equatable {
    /// Its address.
    public var host = "127.0.0.1"
    /// Its port.
    public var port = 6379
    /// The number of the database.
    public var database = 0
    /// A file with the password; empty for none.
    public var passwordFile = ""
    /// Most seconds that a request waits for it: after that the answer is computed.
    public var timeout = 0.02
    /// Seconds without it after it failed.
    public var retry = 1.0

    /// On this machine, without a password.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("host", notEmpty: host)
        try require("port", port, in: 1...65_535)
        try require("database", database, in: 0...1_000_000)
        try require("timeout", timeout, in: 0.001...10)
        try require("retry", retry, in: 0.1...3_600)
    }
}
