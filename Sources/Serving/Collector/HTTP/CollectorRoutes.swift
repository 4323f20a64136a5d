import Hummingbird
import Logging
import NIOCore
import Responses

/// The collector's answers to HTTP requests.
struct CollectorRoutes: Sendable {
    let collector: WindowCollector
    let metrics: CollectorMetrics
    let maximumAge: Double
    let logger: Logger

    /// The largest body: a node's name has at most 253 bytes.
    private static let maximumBodyBytes = 4_096

    /// The router with all paths.
    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(
            middleware: ErrorReplies(
                paths: "POST /collect, GET /metrics/window, /metrics, /healthz and /readyz", logger: logger
            ) { endpoint, status, _ in
                guard endpoint == "/collect" || endpoint == "/metrics/window" else { return }
                metrics.countRequest(path: endpoint, status: status)
            })
        router.post("collect") { request, _ in try await collect(request) }
        router.get("metrics/window") { request, _ in try await window(request) }
        router.get("metrics") { _, _ in
            let windows = await collector.latestWindows()
            return Response.metrics(metrics.text(windows, at: collector.now, maximumAge: maximumAge))
        }
        router.get("healthz") { _, _ in Response.text(.ok, "ok\n") }
        router.get("readyz") { _, _ in await readiness() }
        return router
    }

    private func collect(_ request: Request) async throws -> Response {
        let buffer = try await request.wholeBody(upTo: Self.maximumBodyBytes)
        let node = try CollectRequest(parsing: Array(buffer.readableBytesView)).node
        switch await collector.collect(node) {
        case .begun(let window):
            logger.info("window begun", metadata: ["id": "\(window.id)"])
            return Response.json(.accepted, try CollectorReplies.started(window))
        case .running(let window): return Response.json(.accepted, try CollectorReplies.started(window))
        case .unknownNode: throw RequestError("no source measures a node \(node)", code: .notFound)
        case .unavailable(let reason): throw RequestError(reason, code: .unavailable)
        }
    }

    private func window(_ request: Request) async throws -> Response {
        guard let name = request.uri.queryParameters.get("node") else {
            throw RequestError("the query lacks node=NAME")
        }
        let node = try CollectRequest.checked(name)
        if let window = await collector.latest(node), let result = window.result {
            return Response.json(.ok, try CollectorReplies.window(window, result, at: collector.now))
        }
        if let window = await collector.underWay(node) {
            let seconds = max(1, Int((window.end - collector.now).rounded(.up)))
            var response = Response.json(
                .notFound, try CollectorReplies.error("the first window of \(node) ends in \(seconds) s"))
            response.headers[.retryAfter] = "\(seconds)"
            return response
        }
        throw RequestError("there is no window of \(node); POST /collect begins one", code: .notFound)
    }

    /// Ready where at least one source can be asked: the others' values are missing then, and said to be.
    private func readiness() async -> Response {
        let problems = await collector.check()
        let reasons = problems.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
        return problems.count < collector.sourceCount
            ? Response.text(.ok, "ok\n" + reasons) : Response.text(.serviceUnavailable, reasons)
    }
}
