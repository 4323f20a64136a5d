import Checkpoints
import Drift
import HTTPTypes
import Hummingbird
import JSON
import Logging
import Monitoring
import NIOCore
import Prediction
import Responses

/// The server's answers to HTTP requests.
struct PredictionRoutes: Sendable {
    let slot: PredictorSlot
    let retrainer: Retrainer?
    let events: EventLog
    let settings: PredictionServerSettings
    let metrics: PredictionServerMetrics
    let registry: PrometheusRegistry
    let logger: Logger

    /// A reply that is still to be computed.
    private struct Reply {
        /// Whether that is done at once.
        var isQuick: Bool
        var text: () throws -> [UInt8]
    }

    /// Bodies of up to so many bytes are parsed, and rows × trees up to so many evaluated, where they were read: in some
    /// 0.1 ms each.
    private static let (quickBytes, quickWalks) = (8192, 10_000)

    private func isQuick(_ served: ServedPredictor, rows: Int, wantsContributions: Bool) -> Bool {
        !wantsContributions && rows * served.predictor.settings.trees <= Self.quickWalks
    }

    /// Does what takes long where no other connection waits for it.
    private func atLeisure<Result>(_ work: () throws -> Result) async rethrows -> Result {
        try await withTaskExecutorPreference(globalConcurrentExecutor) { try work() }
    }

    /// Says that data in binary form follow a request's JSON (KServe's binary tensor data extension).
    private static let binaryDataHeader = HTTPField.Name("Inference-Header-Content-Length")

    /// The router with all paths: ours, and those of the Open Inference Protocol v2.
    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(
            middleware: ErrorReplies(
                paths:
                    "POST /predict, GET /v2, GET and POST below /v2/models, GET /healthz, /readyz, /metrics and /events",
                level: .debug, logger: logger
            ) { endpoint, status, nanoseconds in
                guard let path = PredictionServerMetrics.Path(endpoint: endpoint) else { return }
                metrics.countRequest(path, status: status, nanoseconds: nanoseconds)
            })
        router.post("predict") { request, _ in try await answer(request, predict) }
        for path in ["v2/models/:model", "v2/models/:model/versions/:version"] {
            router.post("\(path)/infer") { request, context in
                try await answer(request) { body, served in
                    try check(context, served)
                    return try infer(body, served)
                }
            }
            router.get("\(path)") { _, context in
                try describe(context) { PredictionReplies.model(settings.name, $0.predictor) }
            }
            router.get("\(path)/ready") { _, context in
                try describe(context) { _ in JSONValue.object(["name": .string(settings.name), "ready": true]).bytes }
            }
        }
        router.get("v2") { _, _ in
            Response.json(.ok, PredictionReplies.server(version: ProjectVersion.current))
        }
        router.get("v2/health/live") { _, _ in Response.json(.ok, JSONValue.object(["live": true]).bytes) }
        router.get("v2/health/ready") { _, _ in Response.json(.ok, JSONValue.object(["ready": true]).bytes) }
        router.get("events") { _, _ in Response.json(.ok, PredictionReplies.events(events.all)) }
        router.get("healthz") { _, _ in Response.text(.ok, "ok\n") }
        router.get("readyz") { _, _ in Response.text(.ok, "ok\n") }
        router.get("metrics") { _, _ in
            await atLeisure {
                let served = slot.current
                metrics.update(slot.redis)
                if let drift = served.drift { metrics.update(drift.report, features: served.predictor.features) }
                return Response.metrics(registry.text())
            }
        }
        return router
    }

    private func predict(_ body: UnsafeRawBufferPointer, _ served: ServedPredictor) throws -> Reply {
        let request = try PredictRequest(parsing: body, maximumRows: settings.maximumRows)
        let isQuick = isQuick(
            served, rows: request.nodes.count, wantsContributions: request.wantsContributions)
        return Reply(isQuick: isQuick) {
            let objectives = request.objectives.map { $0 ?? served.predictor.objective }
            let (predictions, contributions) = try run(
                served, request.rows, objectives, wantsContributions: request.wantsContributions)
            return PredictionReplies.predict(request, predictions, contributions, served.predictor)
        }
    }

    private func infer(_ body: UnsafeRawBufferPointer, _ served: ServedPredictor) throws -> Reply {
        let request = try InferRequest(parsing: body, maximumRows: settings.maximumRows)
        let (rows, width) = (request.rows, served.predictor.width)
        let wantsContributions = request.outputs.contains(.contributions)
        let isQuick = isQuick(served, rows: rows.count / width, wantsContributions: wantsContributions)
        return Reply(isQuick: isQuick) {
            let (predictions, contributions) = try run(
                served, rows, request.objectives, wantsContributions: wantsContributions)
            return PredictionReplies.infer(
                request, predictions, contributions, model: settings.name, version: served.predictor.version,
                width: width)
        }
    }

    private func run(
        _ served: ServedPredictor, _ rows: [Float], _ objectives: [Double]?, wantsContributions: Bool
    ) throws -> ([LatencyPredictor.Prediction], [LatencyPredictor.Contributions]?) {
        guard !wantsContributions || rows.count / served.predictor.width <= settings.maximumContributionRows else {
            throw RequestError(
                "more than \(settings.maximumContributionRows) rows with contributions: send them in parts",
                code: .tooLarge)
        }
        let start = ContinuousClock.now
        let predictions = try served.cache.predictions(served.predictor, rows, objectives)
        let contributions = try wantsContributions ? served.cache.contributions(served.predictor, rows) : nil
        metrics.countPredictions(predictions.count, nanoseconds: start.elapsedNanoseconds)
        try watch(served, rows)
        return (predictions, contributions)
    }

    /// Takes rows into the comparison with those of the training.
    private func watch(_ served: ServedPredictor, _ rows: [Float]) throws {
        guard let drift = served.drift else { return }
        let (changes, level) = try drift.observe(rows, width: served.predictor.width)
        for change in changes { events.record(.drift, change) }
        if level == .severe { retrainer?.request() }
    }

    private func check(_ context: BasicRequestContext, _ served: ServedPredictor) throws {
        let model = context.parameters.get("model")
        // By bytes: comparing strings of many combining marks can take forever.
        guard let model, model.utf8.elementsEqual(settings.name.utf8) else {
            throw RequestError(
                "there is no model \"\(shortened(model ?? ""))\"; there is \"\(settings.name)\"", code: .notFound)
        }
        if let version = context.parameters.get("version"), !version.utf8.elementsEqual(served.predictor.version.utf8) {
            throw RequestError(
                "model \(settings.name) has no version \"\(shortened(version))\"; in use is "
                    + "\"\(served.predictor.version)\"", code: .notFound)
        }
    }

    private func describe(_ context: BasicRequestContext, _ text: (ServedPredictor) -> [UInt8]) throws -> Response {
        let served = slot.current
        try check(context, served)
        return Response.json(.ok, text(served))
    }

    /// Reads a request's body and replies.
    private func answer(
        _ request: Request, _ reply: @Sendable (UnsafeRawBufferPointer, ServedPredictor) throws -> Reply
    ) async throws -> Response {
        if let name = Self.binaryDataHeader, request.headers[name] != nil {
            throw RequestError("the binary data extension is not supported; send data as JSON")
        }
        let buffer = try await request.wholeBody(upTo: settings.maximumBodyBytes)
        let served = slot.current
        func parsed() throws -> Reply { try buffer.withUnsafeReadableBytes { try reply($0, served) } }
        guard buffer.readableBytes <= Self.quickBytes else {
            return .json(.ok, try await atLeisure { try parsed().text() })
        }
        let reply = try parsed()
        return .json(.ok, reply.isQuick ? try reply.text() : try await atLeisure(reply.text))
    }
}
