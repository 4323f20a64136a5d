import Foundation
import HTTP
import JSON
import Kubernetes
import Logging
import Randomness
import Testing

/// Writes and reads against a real API server, whose answers are the truth.
@Suite(
    .enabled(if: RealServer.isInstalled, "kube-apiserver and etcd are not here: scripts/setup.sh --test gets them"))
struct RealServerTests {
    private static let objects = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, labels: {run: a}, annotations: {berth.dev/slo: 200ms}}
        spec:
          replicas: 2
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              schedulerName: berth
              containers:
              - {name: c, image: x, resources: {requests: {cpu: 100m}, limits: {cpu: 400m}}}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web, labels: {run: a}}
        spec: {selector: {app: web}, ports: [{port: 80, protocol: TCP}]}
        ---
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: settings, labels: {run: a}}
        data: {mode: "0644"}
        """

    @Test func whatIsWrittenIsThere() async throws {
        let server = try RealServer()
        let client = try await server.client()
        #expect(try await client.request(.get, "/version").version == "2")
        try await client.create(Manifest(apiVersion: "v1", kind: "Namespace", name: "load"))
        for node in ["n1", "n2"] { try await client.create(Manifest(apiVersion: "v1", kind: "Node", name: node)) }
        try await objects(client)
        try await scale(client)
        try await nodes(client)
        try await pods(client)
        try await credentials(server)
    }

    private func objects(_ client: APIClient) async throws {
        let manifests = try Manifest.parse(yaml: Self.objects, place: "objects")
        for manifest in manifests { try await client.create(manifest, namespace: "load", dryRun: true) }
        #expect(try await client.find(Deployment.self, "web", namespace: "load") == nil)
        for manifest in manifests {
            guard case .created = try await client.ensure(manifest, namespace: "load") else {
                Issue.record("\(manifest.kind) was there before")
                continue
            }
            guard case .existed = try await client.ensure(manifest, namespace: "load") else {
                Issue.record("\(manifest.kind) was made twice")
                continue
            }
            guard case .existed = try await client.apply(manifest, namespace: "load") else {
                Issue.record("\(manifest.kind) was made twice")
                continue
            }
        }
        let deployment = try await client.get(Deployment.self, "web", namespace: "load")
        #expect(deployment.annotations["berth.dev/slo"] == "200ms" && deployment.desiredReplicas == 2)
        #expect(deployment.containers.first?.requests["cpu"]?.milli == 100 && !deployment.isRolledOut)
        #expect(
            try await client.get(KubernetesService.self, "web", namespace: "load").clusterIP?.hasPrefix("10.96.")
                == true)

        try await client.patchRequests(
            deployment: "web", namespace: "load", container: "c",
            requests: ["cpu": ResourceQuantity(nanounits: 250_000_000)])
        let patched = try await client.get(Deployment.self, "web", namespace: "load")
        #expect(patched.containers.first?.requests["cpu"]?.milli == 250)
        #expect(patched.containers.first?.limits["cpu"]?.milli == 400)
        #expect((patched.metadata.generation ?? 0) > (deployment.metadata.generation ?? 0))
        let tooMuch = await apiError {
            try await client.patchRequests(
                deployment: "web", namespace: "load", container: "c", requests: ["cpu": ResourceQuantity(1)])
        }
        #expect(tooMuch?.code == 422)

        // Only what carries the label goes, of kinds with and without a collection delete.
        var other = Manifest(apiVersion: "v1", kind: "ConfigMap", name: "other")
        other.labels = ["run": "b"]
        try await client.create(other, namespace: "load")
        for (kind, version) in [("Service", "v1"), ("ConfigMap", "v1")] {
            try await client.deleteAll(
                kind, apiVersion: version, namespace: "load", labelSelector: "run=a", dryRun: true)
        }
        #expect(try await client.find(KubernetesService.self, "web", namespace: "load") != nil)
        for (kind, version) in [("Service", "v1"), ("ConfigMap", "v1")] {
            try await client.deleteAll(kind, apiVersion: version, namespace: "load", labelSelector: "run=a")
        }
        #expect(try await client.find(KubernetesService.self, "web", namespace: "load") == nil)
        let left = try await client.list(
            AnyObjectMetadata.self, path: "/api/v1/namespaces/load/configmaps", query: [("labelSelector", "run")])
        #expect(left.items.map(\.metadata.name) == ["other"])
        func delete(_ uid: String) async throws -> DeletionOutcome {
            try await client.delete(
                "ConfigMap", apiVersion: "v1", name: "other", namespace: "load", options: DeletionOptions(uid: uid))
        }
        #expect(try await delete("another") == .replaced)
        #expect(try await delete(left.items[0].metadata.uid) == .deleted)
        #expect(try await delete(left.items[0].metadata.uid) == .gone)
    }

    private func scale(_ client: APIClient) async throws {
        let before = try await client.scale(deployment: "web", namespace: "load")
        #expect(before.desiredReplicas == 2 && before.selector == "app=web")
        try await client.setScale(deployment: "web", namespace: "load", replicas: 5, dryRun: true)
        #expect(try await client.scale(deployment: "web", namespace: "load") == before)
        let after = try await client.setScale(
            deployment: "web", namespace: "load", replicas: 5, resourceVersion: before.resourceVersion)
        #expect(after.desiredReplicas == 5)
        let late = await apiError {
            try await client.setScale(
                deployment: "web", namespace: "load", replicas: 6, resourceVersion: before.resourceVersion)
        }
        #expect(late?.code == 409)
        try await client.setScale(deployment: "web", namespace: "load", replicas: 0)
        #expect(try await client.scale(deployment: "web", namespace: "load").desiredReplicas == 0)
        let autoscaler = Manifest(
            apiVersion: "autoscaling/v1", kind: "HorizontalPodAutoscaler", name: "auto",
            members: [
                "spec": [
                    "scaleTargetRef": ["apiVersion": "apps/v1", "kind": "Deployment", "name": "web"], "maxReplicas": 3,
                ]
            ])
        let made = try await client.create(autoscaler, namespace: "load")
        let refused = await apiError {
            try await client.setScale(deployment: "web", namespace: "load", replicas: 1)
        }
        #expect(refused?.kind == .guarded)
        #expect(try await client.delete(made) == .deleted)
        try await client.setScale(deployment: "web", namespace: "load", replicas: 1)
        #expect(try await client.get(Deployment.self, "web", namespace: "load").desiredReplicas == 1)
    }

    private func nodes(_ client: APIClient) async throws {
        // Admission taints a node that has not reported.
        let own = try await client.get(Node.self, "n1", namespace: nil).taints
        #expect(own.map(\.key) == ["node.kubernetes.io/not-ready"])
        #expect(try await client.cordon(node: "n1", dryRun: true))
        #expect(try await client.cordon(node: "n1"))
        #expect(try await !client.cordon(node: "n1"))
        #expect(try await client.get(Node.self, "n1", namespace: nil).isUnschedulable)
        #expect(try await client.uncordon(node: "n1"))
        #expect(try await !client.get(Node.self, "n1", namespace: nil).isUnschedulable)
        // Writers at once: each reads again when another was faster.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<3 {
                group.addTask {
                    try await client.addTaint(
                        Taint(key: "berth.dev/t\(index)", value: "v", effect: "PreferNoSchedule"), node: "n1")
                }
            }
            try await group.waitForAll()
        }
        let taints = try await client.get(Node.self, "n1", namespace: nil).taints
        #expect(Set(taints.map(\.key)).isSuperset(of: ["berth.dev/t0", "berth.dev/t1", "berth.dev/t2"]))
        #expect(taints.contains(own[0]))
        for index in 0..<3 { #expect(try await client.removeTaint(key: "berth.dev/t\(index)", node: "n1")) }
        #expect(try await client.get(Node.self, "n1", namespace: nil).taints == own)
    }

    private func pods(_ client: APIClient) async throws {
        func make(_ name: String) async throws -> String {
            var manifest = Manifest(
                apiVersion: "v1", kind: "Pod", name: name,
                members: ["spec": ["schedulerName": "berth", "containers": [["name": "c", "image": "x"]]]])
            manifest.labels = ["app": name]
            return try await client.create(manifest, namespace: "load").uid
        }
        // What a reflector with selectors sees of it.
        let store = ObjectStore<Pod>()
        let reflector = Reflector(
            store: store, client: client, path: Pod.collectionPath(namespace: "load"),
            query: [("fieldSelector", "spec.nodeName=n1"), ("labelSelector", "app in (a,b)")],
            generator: RandomGenerator(seed: 1), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let following = Task { await reflector.run() }
        defer { following.cancel() }

        let (a, b, c) = (try await make("a"), try await make("b"), try await make("c"))
        func bind(_ pod: String, _ uid: String, _ node: String, dryRun: Bool = false) async throws -> BindingOutcome {
            try await client.bind(pod: pod, namespace: "load", uid: uid, node: node, dryRun: dryRun)
        }
        #expect(try await bind("a", a, "n1", dryRun: true) == .bound)
        #expect(try await client.get(Pod.self, "a", namespace: "load").nodeName == nil)
        #expect(try await bind("a", a, "n1") == .bound)
        #expect(try await bind("a", a, "n1") == .alreadyBound)
        #expect(try await bind("a", a, "n2") == .boundElsewhere(node: "n1"))
        #expect(try await bind("a", b, "n1") == .gone)
        #expect(try await bind("nobody", b, "n1") == .gone)
        #expect(try await bind("b", b, "n2") == .bound)
        #expect(try await bind("c", c, "n1") == .bound)
        let isSeen = try await eventually { Set(store.objects.keys) == ["load/a"] }
        #expect(isSeen)

        func evict(_ pod: String, _ uid: String, dryRun: Bool = false) async throws -> EvictionOutcome {
            try await client.evict(pod: pod, namespace: "load", uid: uid, gracePeriod: 0, dryRun: dryRun)
        }
        #expect(try await evict("c", a) == .replaced)
        #expect(try await evict("c", c, dryRun: true) == .evicted)
        #expect(try await client.find(Pod.self, "c", namespace: "load") != nil)
        #expect(try await evict("c", c) == .evicted)
        #expect(try await evict("c", c) == .gone)
        // Budgets count for pods that run.
        for pod in ["a", "b"] {
            let status: JSONValue = [
                "status": ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]
            ]
            _ = try await client.request(
                .patch, "/api/v1/namespaces/load/pods/\(pod)/status", body: status.bytes,
                contentType: "application/merge-patch+json")
        }
        let version = try await client.resource(
            apiVersions: ["policy/v1", "policy/v1beta1"], kind: "PodDisruptionBudget")
        func budget(_ name: String) -> Manifest {
            Manifest(
                apiVersion: version.apiVersion, kind: "PodDisruptionBudget", name: name,
                members: ["spec": ["minAvailable": 1, "selector": ["matchLabels": ["app": "a"]]]])
        }
        try await client.create(budget("one"), namespace: "load")
        guard case .blocked(let message, _) = try await evict("a", a) else {
            Issue.record("the budget did not count")
            return
        }
        #expect(message.contains("disruption budget"))
        let path = try await client.disruptionBudgetPath(namespace: "load")
        let budgets = try await client.list(PodDisruptionBudget.self, path: path)
        #expect(budgets.items.count == 1 && budgets.items[0].selector?.matches(["app": "a"]) == true)
        #expect(budgets.items[0].disruptionsAllowed == nil)
        try await client.create(budget("two"), namespace: "load")
        guard case .tooManyBudgets = try await evict("a", a) else {
            Issue.record("two budgets were not noticed")
            return
        }
        #expect(try await evict("b", b) == .evicted)
        let resized = await apiError {
            try await client.resize(
                pod: "a", namespace: "load", uid: a, container: "c", requests: ["cpu": ResourceQuantity(1)])
        }
        #expect(try await client.offersPodResize() == (resized?.kind != .unsupported))
    }

    /// The server refuses the first token that a plugin brings; the second is good.
    private func credentials(_ server: RealServer) async throws {
        let script = try server.folder.write(
            """
            #!/bin/sh
            token=wrong; [ -e '\(server.folder.path)/ran' ] && token=secret
            touch '\(server.folder.path)/ran'
            echo "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"$token\\"}}"
            """, to: "plugin")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        var access = server.access
        access.token = .plugin(ExecPlugin(apiVersion: "client.authentication.k8s.io/v1", command: script))
        let client = try APIClient(access: access)
        #expect(try await client.list(Node.self).items.map(\.key) == ["n1", "n2"])
        access.token = .fixed("wrong")
        let refused = try APIClient(access: access)
        #expect(await apiError { _ = try await refused.list(Node.self) }?.code == 401)
    }
}
