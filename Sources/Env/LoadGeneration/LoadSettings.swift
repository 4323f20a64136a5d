import Foundation
public import Settings
public import Workloads

/// How requests follow each other.
public enum ArrivalProcess: String, Sendable, Codable, CaseIterable {
    /// A Poisson process: what many independent clients make.
    case poisson
    /// Evenly spaced at a constant rate.
    case even
}

/// What becomes of a connection after its request.
public enum ConnectionUse: String, Sendable, Codable, CaseIterable {
    /// Closed: each request pays for a connection, as new clients do.
    case fresh
    /// Kept for a later request to the same target.
    case reused
}

/// What a load generator sends, and when.
public struct LoadSettings: Configurable, Equatable {
    /// URLs that requests go to, each as likely as any other.
    public var targets: [String] = []
    /// Requests per second at level 1 of the pattern, all targets together.
    public var rate = 100.0
    /// The level over time.
    public var pattern = LoadPattern.constant(ConstantLoad())
    /// Seconds of the pattern that pass in one second: 10 plays a pattern of twenty minutes in two.
    public var pace = 1.0
    /// How requests follow each other.
    public var arrivals = ArrivalProcess.poisson
    /// Seconds in which requests are sent; nothing is sent afterwards.
    public var duration = 60.0
    /// Seed of the pattern, of the arrivals and of the choice of targets.
    public var seed: UInt64 = 0
    /// Seconds that an answer may take, counted from when its request was due.
    public var objective = 0.1
    /// Seconds after which a request is given up, counted from when it was due.
    public var timeout = 10.0
    /// What becomes of a connection after its request.
    public var connections = ConnectionUse.reused
    /// Requests that may wait for an answer at once; beyond it a request is rejected unsent.
    public var maximumOutstanding = 512
    /// Headers of each request, such as `Accept-Encoding: gzip`; bodies are thrown away undecoded.
    public var headers: [String: String] = [:]

    /// 100 requests per second for a minute; `targets` has to be given.
    public init() {}

    public func validate() throws(SettingsError) {
        for (index, target) in targets.enumerated() {
            try require(
                "targets[\(index)]", Self.isTarget(target), must: "be an http or https URL, found \"\(target)\"")
        }
        try require("rate", rate, above: 0)
        try require("rate", rate, in: ...1e6)
        try require("pace", pace, above: 0)
        try require("duration", duration, above: 0)
        try require("duration", duration, in: ...604_800)
        try require("objective", objective, above: 0)
        try require("timeout", timeout, in: 0.001...60)
        try require("maximumOutstanding", maximumOutstanding, in: 1...100_000)
        for (name, value) in headers {
            try require(
                "headers.\(name)", !name.isEmpty && !(name + value).contains(where: \.isNewline),
                must: "be one line, with a name")
        }
    }

    /// Whether `text` is an absolute http or https URL with a host.
    static func isTarget(_ text: String) -> Bool {
        guard let url = URLComponents(string: text), let host = url.host else { return false }
        return ["http", "https"].contains(url.scheme?.lowercased()) && !host.isEmpty
    }
}

/// Why a load generator cannot work.
public struct LoadError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wrong and what to do about it.
    public let message: String

    /// The message.
    public var description: String { message }
}
