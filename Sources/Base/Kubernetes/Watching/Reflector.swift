import Logging
import Randomness

/// Keeps an `ObjectStore` equal to a collection on the API server: lists it, watches it from the list's version on,
/// and goes on from the last version seen whenever the watch ends or breaks.
///
/// What makes it list again: a version that the server no longer knows (410, as the reply's status or as an event), an
/// error event of another kind, a refusal that resuming cannot cure (403, 404), and an event that cannot be read
/// twice in a row. A list is compared with the store, so that deletions which were never seen count. All other
/// failures resume after a backoff; 429 waits for as long as the server asks at least. A watch that closes within
/// `quickClose` without any event counts as a failure.
public struct Reflector<Object: APIObject>: Sendable {
    /// What a reflector does, for logs, metrics and tests.
    public enum Event: Sendable {
        /// A complete list of this many objects is in the store.
        case listed(count: Int)
        /// The server has accepted a watch that starts at this version.
        case watching(resourceVersion: String)
        /// Something failed; the next attempt comes after `delay` seconds.
        case failed(any Error, delay: Double)
    }

    /// The pace of a reflector.
    public struct Timing: Sendable {
        /// Shortest delay after a failure, in seconds.
        public var minimumBackoff = 0.8
        /// Longest delay after a failure, in seconds, but for what a server asks for.
        public var maximumBackoff = 30.0
        /// How much longer each delay is than the one before.
        public var backoffFactor = 2.0
        /// Shortest and longest life of a watch, in seconds; drawn again for each.
        public var watchSeconds = 300...600
        /// A watch shorter than this many seconds without an event is a failure.
        public var quickClose = 1.0
        /// Objects per page of a list; 0 for one piece.
        public var pageSize = 500
        /// The default pace.
        public init() {}
    }

    /// Where the objects are kept.
    public let store: ObjectStore<Object>
    private let client: APIClient
    private let path: String
    private let query: [(name: String, value: String)]
    private let timing: Timing
    private let generator: RandomGenerator
    private let logger: Logger
    private let sleep: @Sendable (Double) async throws -> Void
    private let observe: @Sendable (Event) -> Void

    /// A reflector that starts with `run()`.
    /// - Parameters:
    ///   - store: where the objects are kept; no other reflector may write to it.
    ///   - client: the way to the API server.
    ///   - path: the collection; by default that of all namespaces.
    ///   - query: selectors, such as `fieldSelector`.
    ///   - timing: the pace.
    ///   - generator: draws the jitter of delays and the lives of watches.
    ///   - logger: gets the failures.
    ///   - sleep: waits for a number of seconds; throws when the task is cancelled.
    ///   - observe: called for each event, on the reflector's task: it must be quick.
    public init(
        store: ObjectStore<Object>, client: APIClient, path: String = Object.collectionPath,
        query: [(name: String, value: String)] = [], timing: Timing = Timing(), generator: RandomGenerator,
        logger: Logger,
        sleep: @escaping @Sendable (Double) async throws -> Void = { try await Task.sleep(for: .seconds($0)) },
        observe: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        self.store = store
        self.client = client
        self.path = path
        self.query = query
        self.timing = timing
        self.generator = generator
        self.logger = logger
        self.sleep = sleep
        self.observe = observe
    }

    /// What a run knows from one attempt to the next.
    private struct Progress {
        var generator: RandomGenerator
        var backoff: Backoff
        /// The version to resume from; `nil` where a list is needed.
        var version: String?
        /// Whether the attempt before brought an event that cannot be read, and nothing after it.
        var readFailed = false
    }

    /// Lists and watches until the task is cancelled.
    public func run() async {
        var generator = self.generator
        var progress = Progress(
            generator: generator,
            backoff: Backoff(
                minimum: timing.minimumBackoff, maximum: timing.maximumBackoff, factor: timing.backoffFactor,
                generator: generator.split()))
        progress.generator = generator
        while !Task.isCancelled {
            do {
                try await advance(&progress)
            } catch is CancellationError {
                return
            } catch {
                if Task.isCancelled { return }
                let delay = recover(from: error, &progress)
                observe(.failed(error, delay: delay))
                logger.warning(
                    "reflector failed, will retry",
                    metadata: [
                        "kind": "\(Object.kind)", "error": "\(error)", "delay": "\(delay)",
                        "next": progress.version == nil ? "list" : "watch",
                    ])
                do { try await sleep(delay) } catch { return }
            }
        }
    }

    /// One list if it is needed, then one watch to its end.
    private func advance(_ progress: inout Progress) async throws {
        if progress.version == nil {
            let list = try await client.list(Object.self, path: path, query: query, pageSize: timing.pageSize)
            store.replace(with: list.items)
            progress.version = list.resourceVersion
            observe(.listed(count: list.items.count))
        }
        guard let version = progress.version else { return }
        let life = Int.random(in: timing.watchSeconds, using: &progress.generator)
        let start = ContinuousClock.now
        var quiet = true
        let events = try await client.watch(
            Object.self, path: path, query: query, resourceVersion: version, timeoutSeconds: life)
        for try await event in events {
            if case .accepted = event {
                observe(.watching(resourceVersion: version))
                continue
            }
            try apply(event, &progress)
            quiet = false
            progress.readFailed = false
            progress.backoff.reset()
        }
        try Task.checkCancellation()
        if quiet, start.duration(to: .now) < .seconds(timing.quickClose) { throw WatchFailure.closedAtOnce }
        progress.backoff.reset()
    }

    private func apply(_ event: WatchEvent<Object>, _ progress: inout Progress) throws {
        switch event {
        case .accepted: break
        case .added(let object), .modified(let object):
            store.put(object)
            progress.version = object.metadata.resourceVersion
        case .deleted(let object):
            store.remove(object)
            progress.version = object.metadata.resourceVersion
        case .bookmark(let version): progress.version = version
        case .error(let status):
            throw WatchFailure.event(status)
        }
    }

    /// Decides whether to resume or to list; returns the delay.
    private func recover(from error: any Error, _ progress: inout Progress) -> Double {
        let delay = progress.backoff.next()
        switch error {
        case WatchFailure.closedAtOnce: return delay
        case WatchFailure.event(let status):
            if status.code != 429 { progress.version = nil }
            return max(delay, status.retryAfterSeconds ?? 0)
        case let error as APIError:
            switch error.kind {
            case .refused:
                // 401: the client has fresh credentials by then, if there are any.
                let resumes = [401, 429].contains(error.code) || (500..<600).contains(error.code ?? 0)
                if !resumes { progress.version = nil }
            case .malformed:
                if progress.readFailed { progress.version = nil }
                progress.readFailed = true
            case .transport, .access, .unsupported, .guarded: break
            }
            return max(delay, error.retryAfter ?? 0)
        default:
            progress.version = nil
            return delay
        }
    }
}

/// How a watch fails that the server accepted and did not break off.
enum WatchFailure: Error, CustomStringConvertible {
    /// The server said within the stream that it gives up.
    case event(APIStatus)
    /// No event came, and the end came at once.
    case closedAtOnce

    var description: String {
        switch self {
        case .event(let status): "the server gave up on the watch: \(status)"
        case .closedAtOnce: "the watch closed at once without an event"
        }
    }
}
