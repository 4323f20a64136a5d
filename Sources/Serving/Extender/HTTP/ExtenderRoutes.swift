import CoreMetrics
import HTTP
import Hummingbird
import JSON
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

    /// The router with all paths.
    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.post("filter") { request, _ in try await answer("filter", request, keepsNodes: true, filter) }
        router.post("prioritize") { request, _ in
            try await answer("prioritize", request, keepsNodes: false, prioritize)
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

    /// Reads a request's body, decodes it and replies; what is wrong with it becomes a status and a reason.
    private func answer(
        _ verb: String, _ request: Request, keepsNodes: Bool, _ reply: @Sendable (ExtenderArguments) -> [UInt8]
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            let buffer = try await request.wholeBody(upTo: maximumBodyBytes)
            let arguments = try buffer.withUnsafeReadableBytes {
                try ExtenderArguments(parsing: $0, keepsNodes: keepsNodes)
            }
            response = Response.json(.ok, reply(arguments))
        } catch is NIOTooManyBytesError {
            response = refusal(verb, .contentTooLarge, "the body exceeds \(maximumBodyBytes) bytes")
        } catch let error as BrokenBody {
            metrics.countRequest(verb: verb, status: 400, nanoseconds: start.elapsedNanoseconds)
            throw error.cause
        } catch let error as any CustomStringConvertible & Error {
            let isBodyAtFault = error is JSONError || error is ObjectError || error is ArgumentsError
            response = refusal(verb, isBodyAtFault ? .badRequest : .internalServerError, error.description)
        } catch {
            response = refusal(verb, .internalServerError, "\(error)")
        }
        metrics.countRequest(verb: verb, status: response.status.code, nanoseconds: start.elapsedNanoseconds)
        return response
    }

    private func refusal(_ verb: String, _ status: Hummingbird.HTTPResponse.Status, _ message: String) -> Response {
        logger.warning("request refused", metadata: ["verb": "\(verb)", "reason": "\(message)"])
        return Response.json(status, ExtenderReplies.error(message))
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
