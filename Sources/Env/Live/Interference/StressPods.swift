import Kubernetes
import Settings
import Workloads

/// The stress pods that an environment runs in its namespace.
struct StressPods: Sendable {
    let client: APIClient
    let namespace: String
    /// The container image, with stress-ng on its path.
    let image: String

    /// Makes the pod of a specification; it starts as soon as its node gets to it, and ends by itself.
    /// - Throws: `SettingsError` for a name that Kubernetes would refuse, `APIError`.
    func start(_ specification: InterferenceSpecification, name: String) async throws {
        let text = try StressPod(
            specification, name: name, namespace: namespace, image: image, labels: [LiveWorkload.label: namespace]
        ).manifest()
        for manifest in try Manifest.parse(yaml: text, place: "pod \(name)") { _ = try await client.create(manifest) }
    }

    /// Ends a pod before its time, without waiting until it is gone.
    func end(_ name: String) async throws {
        var options = DeletionOptions()
        options.gracePeriod = 1
        _ = try await client.delete("Pod", apiVersion: "v1", name: name, namespace: namespace, options: options)
    }
}

extension InterferenceSpecification {
    /// What it does, for the log.
    var particulars: String {
        let strength =
            level.map { "level \($0)" } ?? amount.map { "\($0) \(source.unit ?? "")" } ?? "no strength"
        let place = node.isEmpty ? nodeSelector.map { "\($0)=\($1)" }.sorted().joined(separator: ",") : node
        return "\(source.rawValue) \(strength) for \(seconds) s on \(place)"
    }
}
