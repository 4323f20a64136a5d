import Windows

/// Reads what services do from a Prometheus server.
public struct ServiceMetricsReader: Sendable {
    private let client: PrometheusClient
    private let queries: ServiceQueries
    private let window: Int

    /// Services that one query asks about.
    private static let batch = 20
    /// The label that says which service and quantity a series of the reply belongs to.
    private static let label = "berth"
    /// A window holds at least two scrapes, so the newest sample is at most half a window old; a tenth more is what
    /// Prometheus' `rate` bridges.
    private static let oldestSample = 0.55

    /// The server's times are in milliseconds.
    private static let rounding = 1e-3

    private enum Quantity: String, CaseIterable {
        case newest, requestRate, errorShare, buckets, p50, p95, p99
    }

    /// A reader of the server behind `client`.
    /// - Parameters:
    ///   - settings: valid ones; their `url` and `timeout` are those that `client` was made with.
    ///   - client: asks the server.
    public init(_ settings: ServiceMetricsSettings, client: PrometheusClient) {
        self.client = client
        queries = settings.serviceQueries
        window = settings.window
    }

    /// Reads what each service did in the window that ends at `time`, with one query for every 20 services.
    ///
    /// A value is missing where its query gives no series, several, or no number that it can have; a quantile also
    /// where it lies beyond the histogram's last bound; and every value where no sample is newer than about half a
    /// window, or where the server warns that its reply may lack something.
    /// - Parameters:
    ///   - services: Deployments; a name that no Deployment can have is not asked about.
    ///   - time: seconds since 1970 by the server's clock.
    /// - Throws: `PrometheusError` once for all services, whatever the number of queries; `CancellationError`.
    public func read(_ services: [ServiceName], at time: Double) async throws -> ServiceReadings {
        var result = ServiceReadings()
        result.readings = services.map { ServiceReading(service: $0, time: time, seconds: Double(window)) }
        let known = services.indices.filter { Self.isDeployment(services[$0]) }
        for start in stride(from: 0, to: known.count, by: Self.batch) {
            let indices = known[start..<min(start + Self.batch, known.count)]
            let query = indices.flatMap { expressions(for: services[$0], index: $0) }.joined(separator: "\nor\n")
            let reply = try await client.query(query, at: time)
            // Servers before Prometheus 3 put what they only want known among the warnings.
            let warnings = reply.warnings.filter { !$0.hasPrefix("PromQL info:") }
            guard warnings.isEmpty, case .vector(let elements) = reply.result else {
                result.warnings += warnings
                continue
            }
            let series = Dictionary(grouping: elements) { $0.labels[Self.label] ?? "" }
            for index in indices {
                fill(&result.readings[index], at: time) { series["\(index)/\($0.rawValue)"] ?? [] }
            }
        }
        return result
    }

    private static func isDeployment(_ service: ServiceName) -> Bool {
        [service.namespace, service.name].allSatisfy {
            $0.wholeMatch(of: /[a-z0-9]([-a-z0-9.]*[a-z0-9])?/) != nil
        }
    }

    /// The service's queries, each of which marks its series.
    private func expressions(for service: ServiceName, index: Int) -> [String] {
        Quantity.allCases.compactMap { quantity in
            let (text, share) =
                switch quantity {
                case .newest: (queries.newest, "")
                case .requestRate: (queries.requestRate, "")
                case .errorShare: (queries.errorShare, "")
                case .buckets: (queries.buckets, "")
                case .p50: (queries.quantile, "0.5")
                case .p95: (queries.quantile, "0.95")
                case .p99: (queries.quantile, "0.99")
                }
            guard !text.isEmpty else { return nil }
            let filled = QueryTemplate.fill(
                text,
                [
                    "namespace": service.namespace, "service": service.name, "window": "\(window)s",
                    "quantile": share,
                ])
            // A line of its own ends a comment.
            return "label_replace(\(filled)\n, \"\(Self.label)\", \"\(index)/\(quantity.rawValue)\", \"\", \"\")"
        }
    }

    private func fill(
        _ reading: inout ServiceReading, at time: Double, series: (Quantity) -> [PrometheusReply.VectorElement]
    ) {
        func value(_ quantity: Quantity, upTo maximum: Double = .greatestFiniteMagnitude) -> Double? {
            let found = series(quantity)
            guard found.count == 1, (0...maximum).contains(found[0].sample.value) else { return nil }
            return found[0].sample.value
        }
        guard let newest = value(.newest, upTo: time + Self.rounding),
            time - newest <= Self.oldestSample * Double(window)
        else { return }
        reading.time = newest
        reading.requestRate = value(.requestRate)
        reading.errorShare = value(.errorShare, upTo: 1)
        if queries.buckets.isEmpty {
            func quantile(_ quantity: Quantity) -> LatencyQuantile? {
                value(quantity).map { LatencyQuantile(seconds: $0 * queries.unit) }
            }
            (reading.p50, reading.p95, reading.p99) = (quantile(.p50), quantile(.p95), quantile(.p99))
        } else {
            let buckets = Self.buckets(series(.buckets), unit: queries.unit)
            (reading.p50, reading.p95, reading.p99) =
                (buckets?.quantile(0.5), buckets?.quantile(0.95), buckets?.quantile(0.99))
        }
    }

    /// `nil` where the series differ in more than their bound, or are no histogram.
    private static func buckets(_ series: [PrometheusReply.VectorElement], unit: Double) -> LatencyBuckets? {
        var rows: [(bound: Double, count: Double)] = []
        for element in series {
            guard element.labels.count == 2, let text = element.labels["le"], let bound = Double(text) else {
                return nil
            }
            rows.append((bound * unit, element.sample.value))
        }
        return LatencyBuckets(rows)
    }
}
