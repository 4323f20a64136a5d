public import Hummingbird
import JSON
public import Logging
import Monitoring

/// Turns what a server's routes throw into replies, and reports how each request ended.
///
/// The reply to an `AnswerableError` is its status and its description as JSON. Any other error is the server's own: the
/// log has all of it, the client only learns that it happened.
public struct ErrorReplies: RouterMiddleware {
    /// Called after each request.
    /// - Parameters:
    ///   - endpoint: the route's path with parameters in braces, such as `/v2/models/{model}`.
    ///   - status: the reply's status.
    ///   - nanoseconds: how long the reply took, the body's arrival included.
    public typealias Observer = @Sendable (_ endpoint: String, _ status: Int, _ nanoseconds: Int64) -> Void

    private let key: String
    private let paths: String
    private let level: Logger.Level
    private let logger: Logger
    private let observe: Observer

    /// The middleware of a server.
    /// - Parameters:
    ///   - key: under which the JSON object of a reply has the reason.
    ///   - paths: the paths that there are, in words, for replies to a request of any other.
    ///   - level: at which refused requests are logged; those for what is not there are at `debug`.
    ///   - logger: gets refused requests, and errors of the server's own at `error`.
    ///   - observe: called after each request.
    public init(
        key: String = "error", paths: String, level: Logger.Level = .warning, logger: Logger,
        observe: @escaping Observer
    ) {
        (self.key, self.paths, self.level, self.logger, self.observe) = (key, paths, level, logger, observe)
    }

    /// Replies to a request by the next responder, or to the error that it throws.
    /// - Throws: what broke the transfer of a body, and errors of Hummingbird's own, which it answers itself.
    public func handle(
        _ request: Request, context: BasicRequestContext,
        next: (Request, BasicRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        func end(_ status: HTTPResponse.Status) {
            observe(context.endpointPath ?? "", status.code, start.elapsedNanoseconds)
        }
        do {
            let response = try await next(request, context)
            end(response.status)
            return response
        } catch let error as BrokenBody {
            end(.badRequest)
            throw error.cause
        } catch let error as any AnswerableError where error.status != .internalServerError {
            end(error.status)
            return refusal(error.status, error.description, request)
        } catch let error as HTTPError where error.status == .notFound {
            end(.notFound)
            let reason = "there is no \(request.method) \(shortened(request.uri.path)); there are \(paths)"
            return refusal(.notFound, reason, request)
        } catch let error as any HTTPResponseError {
            end(error.status)
            throw error
        } catch {
            end(.internalServerError)
            logger.error(
                "a request failed", metadata: ["path": "\(shortened(request.uri.path))", "error": "\(error)"])
            return reply(.internalServerError, "the request failed; the server's log says why")
        }
    }

    private func refusal(_ status: HTTPResponse.Status, _ reason: String, _ request: Request) -> Response {
        logger.log(
            level: status == .notFound ? .debug : level, "request refused",
            metadata: ["path": "\(shortened(request.uri.path))", "reason": "\(reason)"])
        return reply(status, reason)
    }

    private func reply(_ status: HTTPResponse.Status, _ reason: String) -> Response {
        Response.json(status, JSONValue.object([key: .string(reason)]).bytes)
    }
}
