import Checkpoints
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
    let predictor: LatencyPredictor
    let settings: PredictionServerSettings
    let metrics: PredictionServerMetrics
    let registry: PrometheusRegistry
    let logger: Logger

    /// Says that data in binary form follow a request's JSON (KServe's binary tensor data extension).
    private static let binaryDataHeader = HTTPField.Name("Inference-Header-Content-Length")

    /// The router with all paths: ours, and those of the Open Inference Protocol v2.
    func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.post("predict") { request, _ in await answer("/predict", request, predict) }
        router.post("v2/models/:model/infer") { request, context in
            await answer("/v2/models/MODEL/infer", request) { body in
                try check(context.parameters.get("model"))
                return try infer(body)
            }
        }
        router.get("v2") { _, _ in
            Response.json(.ok, PredictionReplies.server(version: ProjectVersion.current))
        }
        router.get("v2/health/live") { _, _ in Response.json(.ok, JSONValue.object(["live": true]).bytes) }
        router.get("v2/health/ready") { _, _ in Response.json(.ok, JSONValue.object(["ready": true]).bytes) }
        router.get("v2/models/:model") { _, context in
            describe(context.parameters.get("model")) { PredictionReplies.model(settings.name, predictor) }
        }
        router.get("v2/models/:model/ready") { _, context in
            describe(context.parameters.get("model")) {
                JSONValue.object(["name": .string(settings.name), "ready": true]).bytes
            }
        }
        router.get("healthz") { _, _ in Response.text(.ok, "ok\n") }
        router.get("readyz") { _, _ in Response.text(.ok, "ok\n") }
        router.get("metrics") { _, _ in
            Response.metrics(registry.text())
        }
        return router
    }

    private func predict(_ body: UnsafeRawBufferPointer) throws -> [UInt8] {
        let request = try PredictRequest(parsing: body, maximumRows: settings.maximumRows)
        let objectives = request.objectives.map { $0 ?? predictor.objective }
        let (predictions, contributions) = try run(
            request.rows, objectives, wantsContributions: request.wantsContributions)
        return PredictionReplies.predict(request, predictions, contributions, features: predictor.features)
    }

    private func infer(_ body: UnsafeRawBufferPointer) throws -> [UInt8] {
        let request = try InferRequest(parsing: body, maximumRows: settings.maximumRows)
        let (predictions, contributions) = try run(
            request.rows, request.objectives, wantsContributions: request.outputs.contains(.contributions))
        return PredictionReplies.infer(
            request, predictions, contributions, model: settings.name, version: predictor.version,
            width: predictor.width)
    }

    private func run(
        _ rows: [Float], _ objectives: [Double]?, wantsContributions: Bool
    ) throws -> ([LatencyPredictor.Prediction], [LatencyPredictor.Contributions]?) {
        guard !wantsContributions || rows.count / predictor.width <= settings.maximumContributionRows else {
            throw RequestError(
                "more than \(settings.maximumContributionRows) rows with contributions: send them in parts",
                kind: .tooLarge)
        }
        let start = ContinuousClock.now
        let predictions = try predictor.predict(rows, objectives: objectives)
        let contributions = try wantsContributions ? predictor.contributions(rows) : nil
        metrics.countPredictions(predictions.count, nanoseconds: start.elapsedNanoseconds)
        return (predictions, contributions)
    }

    private func check(_ model: String?) throws {
        guard model == settings.name else { throw unknown(model) }
    }

    private func unknown(_ model: String?) -> RequestError {
        RequestError(
            "there is no model \"\(model?.prefix(64) ?? "")\"; there is \"\(settings.name)\"", kind: .unknownModel)
    }

    private func describe(_ model: String?, _ text: () -> [UInt8]) -> Response {
        guard model == settings.name else {
            return Response.json(.notFound, PredictionReplies.error(unknown(model).description))
        }
        return Response.json(.ok, text())
    }

    /// Reads a request's body and replies; what is wrong with it becomes a status and a reason.
    private func answer(
        _ path: String, _ request: Request, _ reply: @Sendable (UnsafeRawBufferPointer) throws -> [UInt8]
    ) async -> Response {
        let start = ContinuousClock.now
        var response: Response
        do {
            if let name = Self.binaryDataHeader, request.headers[name] != nil {
                throw RequestError("the binary data extension is not supported; send data as JSON")
            }
            let buffer = try await request.body.collect(upTo: settings.maximumBodyBytes)
            response = Response.json(.ok, try buffer.withUnsafeReadableBytes { try reply($0) })
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
        } catch let error as JSONError {
            response = refusal(path, .badRequest, error.description)
        } catch {
            logger.error("a prediction failed", metadata: ["error": "\(error)"])
            response = refusal(path, .internalServerError, "the prediction failed; the server's log says why")
        }
        metrics.countRequest(path: path, status: response.status.code, nanoseconds: start.elapsedNanoseconds)
        return response
    }

    private func refusal(_ path: String, _ status: Hummingbird.HTTPResponse.Status, _ message: String) -> Response {
        logger.debug("request refused", metadata: ["path": "\(path)", "reason": "\(message)"])
        return Response.json(status, PredictionReplies.error(message))
    }
}
