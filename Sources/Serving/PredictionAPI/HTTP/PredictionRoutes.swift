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
        router.add(middleware: UnknownPaths())
        router.post("predict") { request, _ in try await answer(.predict, request, predict) }
        for path in ["v2/models/:model", "v2/models/:model/versions/:version"] {
            router.post("\(path)/infer") { request, context in
                try await answer(.infer, request) { body, served in
                    try check(context, served)
                    return try infer(body, served)
                }
            }
            router.get("\(path)") { _, context in
                describe(context) { PredictionReplies.model(settings.name, $0.predictor) }
            }
            router.get("\(path)/ready") { _, context in
                describe(context) { _ in JSONValue.object(["name": .string(settings.name), "ready": true]).bytes }
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
                kind: .tooLarge)
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
        // By bytes: comparing strings of many combining marks can take for ever.
        guard let model, model.utf8.elementsEqual(settings.name.utf8) else {
            throw RequestError(
                "there is no model \"\(shortened(model ?? ""))\"; there is \"\(settings.name)\"", kind: .unknownModel)
        }
        if let version = context.parameters.get("version"), !version.utf8.elementsEqual(served.predictor.version.utf8) {
            throw RequestError(
                "model \(settings.name) has no version \"\(shortened(version))\"; in use is "
                    + "\"\(served.predictor.version)\"", kind: .unknownModel)
        }
    }

    private func describe(_ context: BasicRequestContext, _ text: (ServedPredictor) -> [UInt8]) -> Response {
        let served = slot.current
        do {
            try check(context, served)
        } catch {
            return Response.json(.notFound, PredictionReplies.error("\(error)"))
        }
        return Response.json(.ok, text(served))
    }

    /// Reads a request's body and replies; what is wrong with it becomes a status and a reason.
    private func answer(
        _ path: PredictionServerMetrics.Path, _ request: Request,
        _ reply: @Sendable (UnsafeRawBufferPointer, ServedPredictor) throws -> Reply
    ) async throws -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            if let name = Self.binaryDataHeader, request.headers[name] != nil {
                throw RequestError("the binary data extension is not supported; send data as JSON")
            }
            let buffer = try await request.wholeBody(upTo: settings.maximumBodyBytes)
            let served = slot.current
            func parsed() throws -> Reply { try buffer.withUnsafeReadableBytes { try reply($0, served) } }
            if buffer.readableBytes > Self.quickBytes {
                response = .json(.ok, try await atLeisure { try parsed().text() })
            } else {
                let reply = try parsed()
                response = .json(.ok, reply.isQuick ? try reply.text() : try await atLeisure(reply.text))
            }
        } catch let error as RequestError {
            let status: Hummingbird.HTTPResponse.Status =
                switch error.kind {
                case .malformed: .badRequest
                case .unknownModel: .notFound
                case .tooLarge: .contentTooLarge
                }
            response = refusal(path, status, error.description)
        } catch is NIOTooManyBytesError {
            response = refusal(path, .contentTooLarge, "the body exceeds \(settings.maximumBodyBytes) bytes")
        } catch let error as BrokenBody {
            metrics.countRequest(path, status: 400, nanoseconds: start.elapsedNanoseconds)
            throw error.cause
        } catch let error as JSONError {
            response = refusal(path, .badRequest, error.description)
        } catch {
            logger.error("a prediction failed", metadata: ["error": "\(error)"])
            response = refusal(path, .internalServerError, "the prediction failed; the server's log says why")
        }
        metrics.countRequest(path, status: response.status.code, nanoseconds: start.elapsedNanoseconds)
        return response
    }

    private func refusal(
        _ path: PredictionServerMetrics.Path, _ status: Hummingbird.HTTPResponse.Status, _ message: String
    ) -> Response {
        logger.debug("request refused", metadata: ["path": "\(path.rawValue)", "reason": "\(message)"])
        return Response.json(status, PredictionReplies.error(message))
    }
}

/// Replies to what no route is for: as everything else with JSON and a reason.
private struct UnknownPaths: RouterMiddleware {
    func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            return Response.json(
                .notFound,
                PredictionReplies.error(
                    "there is no \(request.method) \(shortened(request.uri.path)); there are POST /predict, GET /v2, GET "
                        + "and POST below /v2/models, GET /healthz, /readyz, /metrics and /events"))
        }
    }
}
