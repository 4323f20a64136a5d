import Watching
import Foundation
import Kubernetes
public import Logging
public import Workloads

/// An interference plan on a live cluster, without an environment: on demand, beside whatever runs there.
///
/// The pods run in a namespace of their own, which is made and removed.
public struct InterferenceRun: Sendable {
    private let plan: InterferencePlan
    private let namespace: String
    private let client: APIClient
    private let logger: Logger

    /// Finds the cluster; nothing is made yet.
    /// - Parameters:
    ///   - plan: the interference.
    ///   - kubernetes: the cluster.
    ///   - namespace: the pods' namespace; it is removed at the end, and may not be someone else's.
    ///   - logger: told what happens.
    /// - Throws: `LiveError` for an unsuitable namespace, `AccessError` or `APIError`.
    public init(
        _ plan: InterferencePlan, kubernetes: KubernetesSettings, namespace: String, logger: Logger
    ) throws {
        if let problem = LiveSettings.obstacle(toNamespace: namespace) {
            throw LiveError(.settings, "namespace \(namespace) must \(problem)")
        }
        (self.plan, self.namespace, self.logger) = (plan, namespace, logger)
        client = try APIClient(access: try kubernetes.access(), timeout: 10)
    }

    /// Plays the plan from its beginning to its end, then removes all of it. Blocks: call it from a thread of your own.
    /// - Parameters:
    ///   - report: told of each pod as it is made.
    ///   - isCancelled: asked while time passes; `CancellationError` is thrown once it is true, after everything is gone.
    /// - Throws: `APIError`, `LiveError`, `SettingsError`; what was made is removed first.
    public func play(report: (String) -> Void, isCancelled: @Sendable () -> Bool) throws {
        let (client, namespace) = (client, namespace)
        let pods = StressPods(client: client, namespace: namespace, image: plan.image)
        _ = try waiting { try await LiveWorkload.remove(namespace, client, seconds: 180) }
        do {
            try waiting { _ = try await client.create(LiveWorkload.namespaceManifest(namespace)) }
            let end = plan.interference.map { $0.start + $0.duration }.max() ?? 0
            let begin = ContinuousClock.now
            var played = 0.0
            while played < end {
                guard !isCancelled() else { throw CancellationError() }
                let now = (ContinuousClock.now - begin) / .seconds(1)
                for index in plan.starting(in: played..<max(now, played)) {
                    let specification = plan.interference[index]
                    try waiting { try await pods.start(specification, name: "interference-\(index)") }
                    report("\(Int(now)) s: \(specification.particulars)")
                }
                played = max(now, played)
                Thread.sleep(forTimeInterval: 0.1)
            }
        } catch {
            do { try remove() } catch let second {
                logger.error("what was made is not removed", metadata: ["error": "\(second)"])
            }
            throw error
        }
        try remove()
    }

    private func remove() throws {
        let (client, namespace) = (client, namespace)
        _ = try waiting {
            try await LiveWorkload.remove(namespace, client, seconds: 180, outlastsOutages: true)
        }
    }
}
