public import Drift
public import Prediction
public import Settings

/// What `berth predict serve` reads from its configuration file.
public struct PredictionServerSettings: Configurable, Equatable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 lets the system choose.
    public var port = 8688
    /// The predictor, a file that `berth predict train` wrote; paths start from the working folder.
    public var predictor = ""
    /// Its name in the Open Inference Protocol.
    public var name = "latency"
    /// The largest request body in bytes; a larger one is refused with status 413.
    public var maximumBodyBytes = 16 << 20
    /// Most rows of a request; more are refused with status 413.
    public var maximumRows = 10_000
    /// Most rows of a request that asks for contributions, which take far longer than predictions; more are refused with
    /// status 413.
    public var maximumContributionRows = 100
    /// Most connections at a time; more wait until one ends.
    public var maximumConnections = 1_000
    /// Seconds after which a connection without a request, or with half of one, is closed.
    public var idleSeconds = 60.0
    /// Encrypts connections; `nil` for plain HTTP.
    public var tls: TLSSettings?
    /// Seconds between looks at the predictor's file, which is read again where it has changed; 0: never.
    public var reloadSeconds = 2.0
    /// Which answers are kept.
    public var cache = CacheSettings()
    /// When the rows that are asked about count as unlike those of the training; `nil` to not watch that.
    public var drift: DriftSettings?
    /// Retrains the predictor when drift is severe; `nil` to never do that.
    public var retraining: RetrainingSettings?

    /// The defaults; `predictor` has to be given.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("host", notEmpty: host)
        try require("port", port, in: 0...65_535)
        try require("predictor", notEmpty: predictor)
        try require(
            "name", name.wholeMatch(of: /[A-Za-z0-9][-A-Za-z0-9_.]{0,127}/) != nil,
            must: "be letters, digits, '-', '_' and '.', as it is part of URLs")
        try require("maximumBodyBytes", maximumBodyBytes, in: 1_024...(1 << 30))
        try require("maximumRows", maximumRows, in: 1...1_000_000)
        try require("maximumContributionRows", maximumContributionRows, in: 1...1_000_000)
        try require("maximumConnections", maximumConnections, in: 1...1_000_000)
        try require("idleSeconds", idleSeconds, in: 1...86_400)
        try require("reloadSeconds", reloadSeconds, in: 0...86_400)
        try require("reloadSeconds", reloadSeconds == 0 || reloadSeconds >= 0.05, must: "be 0, or at least 0.05")
        try require(
            "retraining", retraining == nil || drift != nil, must: "be left out without drift, which is what starts it")
    }
}

/// How a predictor is retrained.
public struct RetrainingSettings: Configurable, Equatable {
    /// Data sets, as `berth predict record` writes them, read when it begins: old episodes and at least two that the
    /// predictor in use was not trained on.
    public var datasets: [String] = []
    /// Share of the new episodes by which both predictors are judged, and which the new one is not trained on.
    public var heldOut = 0.25
    /// Decides which those are.
    public var splitSeed: UInt64 = 0
    /// How the trees are grown; `nil` as those of the predictor in use.
    public var predictor: PredictorSettings?
    /// Fewest seconds from the end of one training to the next.
    public var minimumSeconds = 3_600.0

    /// `datasets` has to be given.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("datasets", notEmpty: datasets)
        try require("heldOut", heldOut, in: 0.01...0.9)
        try require("splitSeed", splitSeed, in: 0...UInt64(Int64.max))
        try require("minimumSeconds", minimumSeconds, in: 0...31_536_000)
    }
}

/// A server's certificate.
public struct TLSSettings: Configurable, Equatable {
    /// A PEM file with the certificate, and those between it and its root.
    public var certificate = ""
    /// A PEM file with the certificate's private key.
    public var key = ""

    /// Both files have to be given.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("certificate", notEmpty: certificate)
        try require("key", notEmpty: key)
    }
}
