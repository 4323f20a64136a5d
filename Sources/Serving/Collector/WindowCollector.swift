import Windows
import Telemetry

/// Measures nodes over windows: at most one window of a node at a time.
public actor WindowCollector {
    /// What a request for a window came to.
    public enum Start: Sendable, Equatable {
        /// A window has begun.
        case begun(CollectedWindow)
        /// One was under way already.
        case running(CollectedWindow)
        /// No source measures such a node.
        case unknownNode
        /// It cannot be said now whether a source does, and why.
        case unavailable(String)
    }

    private let settings: CollectorSettings
    private let sources: [any WindowSource]
    private let clock: CollectorClock
    private let didFinish: @Sendable (CollectedWindow, _ asked: [String]) -> Void
    private var running: [String: (window: CollectedWindow, task: Task<Void, Never>)] = [:]
    private var finished: [String: CollectedWindow] = [:]
    private var begun = 0
    private var isClosed = false

    /// A collector that has measured nothing.
    /// - Parameters:
    ///   - settings: validated settings.
    ///   - sources: what measures nodes.
    ///   - clock: the present.
    ///   - didFinish: called with each finished window and the sources that were asked.
    public init(
        settings: CollectorSettings, sources: [any WindowSource], clock: CollectorClock = .system,
        didFinish: @escaping @Sendable (CollectedWindow, _ asked: [String]) -> Void = { _, _ in }
    ) {
        self.settings = settings
        self.sources = sources
        self.clock = clock
        self.didFinish = didFinish
    }

    /// Begins a window of `node`, or returns the one that is under way.
    public func collect(_ node: String) async -> Start {
        if let window = running[node]?.window { return .running(window) }
        let (asked, errors) = await sourcesMeasuring(node)
        // Another request may have come in between.
        if let window = running[node]?.window { return .running(window) }
        guard !isClosed else { return .unavailable("the collector is shutting down") }
        guard !asked.isEmpty else {
            let reasons = errors.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            return reasons.isEmpty ? .unknownNode : .unavailable(reasons.joined(separator: "; "))
        }
        begun += 1
        let start = clock.now()
        let window = CollectedWindow(
            id: "\(node)-\(begun)", node: node, start: start, end: start + Double(settings.length), errors: errors)
        running[node] = (window, Task { await self.run(window, asked) })
        return .begun(window)
    }

    /// The latest finished window of `node`; `nil` without one that is young enough to keep.
    public func latest(_ node: String) -> CollectedWindow? {
        forgetOld()
        return finished[node]
    }

    /// The window of `node` that is under way.
    public func underWay(_ node: String) -> CollectedWindow? { running[node]?.window }

    /// The latest finished window of each node, by name.
    public func latestWindows() -> [CollectedWindow] {
        forgetOld()
        return finished.values.sorted { $0.node < $1.node }
    }

    /// The present, by the collector's clock.
    public nonisolated var now: Double { clock.now() }

    /// Why sources cannot be asked now, by name; empty where all can.
    public nonisolated func check() async -> [String: String] {
        await withTaskGroup(of: (String, String?).self) { group in
            for source in sources {
                group.addTask {
                    do {
                        try await source.check()
                        return (source.name, nil)
                    } catch {
                        return (source.name, "\(error)")
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    /// How many sources there are.
    public nonisolated var sourceCount: Int { sources.count }

    /// Gives up the windows under way and begins no more.
    public func close() {
        isClosed = true
        for (_, task) in running.values { task.cancel() }
    }

    // MARK: One window

    private func sourcesMeasuring(_ node: String) async -> (asked: [any WindowSource], errors: [String: String]) {
        var asked: [any WindowSource] = []
        var errors: [String: String] = [:]
        for source in sources {
            do {
                if try await source.measures(node) { asked.append(source) }
            } catch {
                errors[source.name] = "\(error)"
            }
        }
        return (asked, errors)
    }

    private func run(_ window: CollectedWindow, _ asked: [any WindowSource]) async {
        defer { running[window.node] = nil }
        var window = window
        let scope = settings.scope.scope(of: window.node)
        var assembler = WindowAssembler(
            scope: scope, length: Double(settings.length), maximumAge: settings.maximumAge)
        do {
            for moment in [WindowMoment.start, .end] {
                if moment == .end { try await clock.sleep(window.end) }
                let (readings, errors) = await Self.read(asked, window.node, scope, moment, clock)
                for reading in readings { assembler.add(reading) }
                window.errors.merge(errors) { $1 }
            }
            try Task.checkCancellation()
        } catch {
            return
        }
        window.result = assembler.window(of: window.node, at: clock.now())
        finished[window.node] = window
        didFinish(window, asked.map(\.name))
    }

    private static func read(
        _ sources: [any WindowSource], _ node: String, _ scope: NodeScope, _ moment: WindowMoment,
        _ clock: CollectorClock
    ) async -> (readings: [NodeReading], errors: [String: String]) {
        await withTaskGroup(of: (name: String, readings: [NodeReading], error: String?).self) { group in
            for source in sources {
                group.addTask {
                    do {
                        return (source.name, try await source.read(node, scope, moment, at: clock.now()), nil)
                    } catch {
                        return (source.name, [], "\(error)")
                    }
                }
            }
            var readings: [NodeReading] = []
            var errors: [String: String] = [:]
            for await answer in group {
                readings += answer.readings
                if let error = answer.error { errors[answer.name] = error }
            }
            return (readings, errors)
        }
    }

    private func forgetOld() {
        let now = clock.now()
        finished = finished.filter { now - $0.value.end <= settings.keepSeconds }
    }
}
