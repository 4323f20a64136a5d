import CoreMetrics
import Hummingbird
import Kubernetes
import Logging
import Monitoring
import NIOCore
import Responses

/// The extender's answers to HTTP requests.
struct ExtenderRoutes: Sendable {
    let scorer: PlacementScorer
    let metrics: ExtenderMetrics
    let registry: PrometheusRegistry
    let maximumBodyBytes: Int
    let logger: Logger

    /// The requests that are counted, by path.
    private static let verbs = ["/filter": "filter", "/prioritize": "prioritize"]

    /// The router with all paths.
    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(
            middleware: ErrorReplies(
                key: "Error", paths: "POST /filter and /prioritize, GET /healthz, /readyz and /metrics", logger: logger
            ) { endpoint, status, nanoseconds in
                guard let verb = Self.verbs[endpoint] else { return }
                metrics.countRequest(verb: verb, status: status, nanoseconds: nanoseconds)
            })
        router.post("filter") { request, _ in
            Response.json(.ok, filter(try await arguments(request, keepsNodes: true)))
        }
        router.post("prioritize") { request, _ in
            Response.json(.ok, prioritize(try await arguments(request, keepsNodes: false)))
        }
        router.get("healthz") { _, _ in Response.text(.ok, "ok\n") }
        router.get("readyz") { _, _ in readiness() }
        router.get("metrics") { _, _ in
            metrics.update(from: scorer)
            return Response.metrics(registry.text())
        }
        return router
    }

    private func filter(_ arguments: ExtenderArguments) -> [UInt8] {
        let failed = scorer.unfit(arguments.nodeNames, for: arguments.pod)
        metrics.filteredNodes.increment(by: failed.count)
        return ExtenderReplies.filter(arguments, failed: failed)
    }

    private func prioritize(_ arguments: ExtenderArguments) -> [UInt8] {
        let start = ContinuousClock.now
        let scoring = scorer.score(arguments.pod, on: arguments.nodeNames)
        metrics.decisionSeconds.recordNanoseconds(start.elapsedNanoseconds)
        if scoring.unknownNodes > 0 { metrics.unknownNodes.increment(by: scoring.unknownNodes) }
        if let reason = scoring.fallback {
            metrics.countFallback(reason)
            logger.debug("fallback answered", metadata: ["reason": "\(reason.rawValue)"])
        }
        if let failure = scoring.failure {
            logger.error("policy failed", metadata: ["pod": "\(arguments.pod.key)", "error": "\(failure)"])
        }
        logger.debug(
            "scored",
            metadata: [
                "pod": "\(arguments.pod.key)",
                "scores": "\(zip(arguments.nodeNames, scoring.scores).prefix(32).map { "\($0)=\($1)" })",
            ])
        return ExtenderReplies.prioritize(arguments.nodeNames, scoring.scores)
    }

    private func arguments(_ request: Request, keepsNodes: Bool) async throws -> ExtenderArguments {
        let body = try await request.wholeBody(upTo: maximumBodyBytes)
        return try body.withUnsafeReadableBytes { try ExtenderArguments(parsing: $0, keepsNodes: keepsNodes) }
    }

    private func readiness() -> Response {
        var reasons: [String] = []
        if !scorer.hasSynced { reasons.append("nodes and pods are not listed yet") }
        if !scorer.hasPolicy { reasons.append("no policy is loaded") }
        return reasons.isEmpty
            ? Response.text(.ok, "ok\n")
            : Response.text(.serviceUnavailable, reasons.joined(separator: "; ") + "\n")
    }
}
