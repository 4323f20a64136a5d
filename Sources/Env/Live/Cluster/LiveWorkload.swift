import Foundation
import JSON
import Kubernetes

/// The objects of the episodes: read from the services' files, made to be found again, made and removed.
struct LiveWorkload: Sendable {
    /// One service's objects.
    struct Service: Sendable {
        var settings: LiveServiceSettings
        var manifests: [Manifest]
        /// Name of the Deployment.
        var deployment: String
        /// The container whose requests are changed: the first that requests CPU, or else the first.
        var container: String
        /// CPU that a replica requests at the start, in cores.
        var requestedCPU: Double
        /// CPU that the replica's other containers request, in cores.
        var otherCPU: Double
        /// The latency objective in seconds.
        var objective: Double
    }

    /// The label of everything that an environment made; its value is the environment's namespace.
    static let label = "berth.dev/environment"
    /// Kinds that live outside of namespaces and would not go with one.
    private static let clusterWideKinds: Set<String> = [
        "Namespace", "Node", "PersistentVolume", "StorageClass", "PriorityClass", "RuntimeClass", "IngressClass",
        "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "APIService",
        "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration", "CSIDriver",
    ]
    /// The scheduler name of pods that the environment binds.
    static let scheduler = "berth-environment"

    let namespace: String
    let services: [Service]

    /// Reads the services' files.
    /// - Parameter node: the only node that their pods may run on; `nil` for any.
    /// - Throws: `LiveError` or `ManifestError` naming the file and key at fault.
    init(_ settings: LiveSettings, node: String? = nil) throws {
        namespace = settings.namespace
        var services: [Service] = []
        for service in settings.services {
            services.append(try Self.read(service, settings, node))
        }
        let names = services.map(\.deployment)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw LiveError(.settings, "two services have a Deployment named \(twice): rename one")
        }
        self.services = services
    }

    private static func read(
        _ settings: LiveServiceSettings, _ live: LiveSettings, _ node: String?
    ) throws -> Service {
        let file = settings.manifest
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            throw LiveError(.manifest, "\(file): the manifest cannot be read: \(error.localizedDescription)")
        }
        var manifests = try Manifest.parse(yaml: text, place: file)
        if let wide = manifests.first(where: { clusterWideKinds.contains($0.kind) }) {
            throw LiveError(
                .manifest,
                "\(file): \(wide.kind) \(wide.name) is in no namespace, so it would be left behind: leave it out, and make "
                    + "it before the episodes")
        }
        let positions = manifests.indices.filter { manifests[$0].kind == "Deployment" }
        guard let position = positions.first, positions.count == 1 else {
            throw LiveError(.manifest, "\(file): expected one Deployment, found \(positions.count)")
        }
        for index in manifests.indices {
            manifests[index].namespace = live.namespace
            manifests[index].labels[label] = live.namespace
        }
        let deployment = manifests[position]
        let objective = try objective(of: deployment, file: file)
        let container = try container(of: deployment, file: file)
        manifests[position]["spec"] = try episodeSpec(deployment, settings, live, node, file: file)
        return Service(
            settings: settings, manifests: manifests, deployment: deployment.name, container: container.name,
            requestedCPU: container.cpu, otherCPU: container.other, objective: objective)
    }

    /// The Deployment's `spec` with the episode's replicas, label, scheduler and node.
    private static func episodeSpec(
        _ deployment: Manifest, _ settings: LiveServiceSettings, _ live: LiveSettings, _ node: String?, file: String
    ) throws -> JSONValue {
        guard var spec = deployment["spec"]?.object, var template = spec["template"]?.object,
            var pod = template["spec"]?.object
        else { throw LiveError(.manifest, "\(file): Deployment \(deployment.name): spec.template.spec is missing") }
        var metadata = template["metadata"]?.object ?? [:]
        var labels = metadata["labels"]?.object ?? [:]
        labels[label] = .string(live.namespace)
        metadata["labels"] = .object(labels)
        template["metadata"] = .object(metadata)
        pod["schedulerName"] = live.placement == .environment ? .string(scheduler) : "default-scheduler"
        if let node { pod["nodeSelector"] = .object(["kubernetes.io/hostname": .string(node)]) }
        template["spec"] = .object(pod)
        spec["template"] = .object(template)
        spec["replicas"] = .integer(Int64(settings.replicas))
        return .object(spec)
    }

    private static func objective(of deployment: Manifest, file: String) throws -> Double {
        let place = "\(file): Deployment \(deployment.name): annotation \(LatencyObjective.annotation)"
        guard let text = deployment.value["metadata"]?["annotations"]?[LatencyObjective.annotation]?.string else {
            throw LiveError(
                .manifest, "\(place) is missing: it is the latency that a request should not exceed, such as 100ms")
        }
        guard let seconds = LatencyObjective.seconds(text) else {
            throw LiveError(.manifest, "\(place): expected a duration such as 100ms or 1.5s, found \"\(text)\"")
        }
        return seconds
    }

    /// The container whose requests are changed, what all request, and what the others do.
    private static func container(
        of deployment: Manifest, file: String
    ) throws -> (name: String, cpu: Double, other: Double) {
        let containers = deployment["spec"]?["template"]?["spec"]?["containers"]?.array ?? []
        var total = 0.0
        var own = 0.0
        var chosen: String?
        for container in containers {
            guard let cpu = container["resources"]?["requests"]?["cpu"] else { continue }
            let text = cpu.string ?? cpu.integer.map(String.init) ?? ""
            guard let quantity = try? ResourceQuantity(parsing: text), quantity.value > 0 else { continue }
            total += quantity.value
            if chosen == nil { own = quantity.value }
            chosen = chosen ?? container["name"]?.string
        }
        guard let name = chosen ?? containers.first?["name"]?.string else {
            throw LiveError(.manifest, "\(file): Deployment \(deployment.name) has no container with a name")
        }
        return (name, total, total - own)
    }

    // MARK: In the cluster

    /// A namespace that can be found again.
    static func namespaceManifest(_ namespace: String) -> Manifest {
        var manifest = Manifest(apiVersion: "v1", kind: "Namespace", name: namespace)
        manifest.labels[label] = namespace
        return manifest
    }

    /// Makes the namespace and everything in it.
    /// - Precondition: `remove` has been called.
    func create(_ client: APIClient) async throws {
        _ = try await client.create(Self.namespaceManifest(namespace))
        for service in services {
            for manifest in service.manifests { _ = try await client.create(manifest, namespace: namespace) }
        }
    }

    /// Removes the namespace, if an environment made it, and waits until nothing of it is left.
    /// - Parameter outlastsOutages: whether an API server that does not answer or is overloaded is asked again until the
    ///   time is up: for what was made and must go. Otherwise whoever asked is told at once.
    /// - Returns: whether there was anything to remove.
    /// - Throws: `LiveError` for a namespace that someone else made, or that does not go within `seconds`; `APIError`.
    @discardableResult
    static func remove(
        _ namespace: String, _ client: APIClient, seconds: Double, outlastsOutages: Bool = false
    ) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        // Two facts: a deletion whose reply was lost may have been carried out, and is asked for again if it was not.
        var (wasThere, isAsked) = (false, false)
        while true {
            do {
                guard let found = try await client.find(Namespace.self, namespace, namespace: nil) else {
                    return wasThere
                }
                guard found.metadata.labels[label] == namespace else {
                    throw LiveError(
                        .settings,
                        "namespace \(namespace) exists and is not an environment's (it has no label "
                            + "\(label)=\(namespace)): name another in `namespace`")
                }
                wasThere = true
                if !isAsked {
                    try await askToRemove(namespace, client)
                    isAsked = true
                }
            } catch let error as APIError where outlastsOutages && error.mayPass && ContinuousClock.now < deadline {
                try await Task.sleep(for: .seconds(1))
            }
            guard ContinuousClock.now < deadline else {
                throw LiveError(.timeout, "namespace \(namespace) is not gone \(seconds) s after it was deleted")
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }

    private static func askToRemove(_ namespace: String, _ client: APIClient) async throws {
        // The pods first, at once: a namespace waits for their grace periods.
        var options = DeletionOptions()
        options.gracePeriod = 1
        try await client.deleteAll(
            "Deployment", apiVersion: "apps/v1", namespace: namespace, labelSelector: "\(label)=\(namespace)")
        try await client.deleteAll(
            "Pod", apiVersion: "v1", namespace: namespace, labelSelector: "\(label)=\(namespace)", options: options)
        _ = try await client.delete("Namespace", apiVersion: "v1", name: namespace)
    }
}

extension APIError {
    /// Whether the same request may succeed a little later: the server was silent, overloaded or broken.
    var mayPass: Bool { kind == .transport || code == 429 || (code ?? 0) >= 500 }
}
