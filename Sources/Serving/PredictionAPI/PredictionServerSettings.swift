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
    /// Encrypts connections; `nil` for plain HTTP.
    public var tls: TLSSettings?

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
