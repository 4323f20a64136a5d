/// A service: a Deployment by its namespace and name.
public struct ServiceName: Sendable, Hashable, CustomStringConvertible {
    /// The Deployment's namespace.
    public var namespace: String
    /// The Deployment's name.
    public var name: String

    /// A service by name.
    public init(namespace: String, name: String) {
        (self.namespace, self.name) = (namespace, name)
    }

    /// "namespace/name".
    public var description: String { "\(namespace)/\(name)" }
}

/// What a service did in a window of time. What was not measured is `nil`, never 0.
public struct ServiceReading: Sendable, Hashable {
    /// The service.
    public var service: ServiceName
    /// The window's end, in seconds since 1970: the time of the newest sample behind the values, or the moment that was
    /// asked about where there is none.
    public var time: Double
    /// The window's length in seconds.
    public var seconds: Double
    /// Requests per second, 0 or more; 0 only where the requests are counted and there were none.
    public var requestRate: Double?
    /// Share of the requests that failed, 0...1; `nil` without requests.
    public var errorShare: Double?
    /// The median latency.
    public var p50: LatencyQuantile?
    /// The latency that 95 % of the requests did not exceed.
    public var p95: LatencyQuantile?
    /// The latency that 99 % of the requests did not exceed.
    public var p99: LatencyQuantile?

    /// A reading in which everything is missing.
    public init(service: ServiceName, time: Double, seconds: Double) {
        (self.service, self.time, self.seconds) = (service, time, seconds)
    }
}

/// A latency quantile, and what is certain of it.
public struct LatencyQuantile: Sendable, Hashable, CustomStringConvertible {
    /// The quantile in seconds, 0 or more; inside a bucket it is interpolated.
    public var seconds: Double
    /// The bounds of the histogram's bucket that the true quantile lies in, in seconds; `nil` where only the server
    /// knows them.
    public var bucket: ClosedRange<Double>?

    /// A quantile.
    public init(seconds: Double, bucket: ClosedRange<Double>? = nil) {
        (self.seconds, self.bucket) = (seconds, bucket)
    }

    /// Such as "0.18 s, between 0.1 and 0.25 s".
    public var description: String {
        let certain = bucket.map { ", between \($0.lowerBound) and \($0.upperBound) s" } ?? ""
        return "\((seconds * 1e6).rounded() / 1e6) s\(certain)"
    }
}

/// What several services did.
public struct ServiceReadings: Sendable, Hashable {
    /// A reading for each service that was asked about, in that order.
    public var readings: [ServiceReading] = []
    /// What the server warned of: where it did, some readings are missing as a whole.
    public var warnings: [String] = []

    /// No readings.
    public init() {}
}
