import Foundation
import JSON
import Kubernetes
import Testing

@Suite struct ObjectWritingTests {
    private let map = Manifest(apiVersion: "v1", kind: "ConfigMap", name: "settings", members: ["data": ["a": "b"]])

    @Test func createsWhereTheServerKeepsTheKind() async throws {
        let fake = try FakeAPIServer([
            "POST /api/v1/namespaces/load/configmaps": [
                (201, #"{"metadata":{"name":"settings","namespace":"load","uid":"u1"}}"#)
            ]
        ])
        let identity = try await fake.client.create(map, namespace: "load", dryRun: true)
        #expect(identity.uid == "u1" && identity.namespace == "load" && identity.kind == "ConfigMap")
        let request = try #require(fake.requests.first)
        #expect(request.query == ["dryRun": "All", "fieldManager": "berth"])
        #expect(
            try fake.body(0) == [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "settings", "namespace": "load"],
                "data": ["a": "b"],
            ])
        // Kinds are asked for once.
        _ = try await fake.client.create(map, namespace: "load")
        #expect(fake.server.requests.count { $0.path == "/api/v1" } == 1)
        #expect(fake.requests[1].query == ["fieldManager": "berth"])
    }

    @Test func aClusterWideKindHasNoNamespace() async throws {
        let fake = try FakeAPIServer(["POST /api/v1/namespaces": [(201, #"{"metadata":{"name":"load","uid":"n"}}"#)]])
        var manifest = Manifest(apiVersion: "v1", kind: "Namespace", name: "load")
        manifest.namespace = "elsewhere"
        try await fake.client.create(manifest)
        #expect(try fake.body(0)["metadata"] == ["name": "load"])
    }

    @Test func saysThatAKindIsMissing() async throws {
        let fake = try FakeAPIServer()
        let manifest = Manifest(apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "x")
        let error = await apiError { try await fake.client.create(manifest) }
        #expect(error?.kind == .unsupported)
        #expect(error?.message.contains("no kind ScaledObject in keda.sh/v1alpha1") == true)
        #expect(fake.requests.isEmpty)
    }

    @Test func ensureLeavesWhatExists() async throws {
        let fake = try FakeAPIServer([
            "POST /api/v1/namespaces/default/configmaps": [status(409, "AlreadyExists")],
            "GET /api/v1/namespaces/default/configmaps/settings": [
                (200, #"{"metadata":{"name":"settings","namespace":"default","uid":"old"}}"#)
            ],
        ])
        let outcome = try await fake.client.ensure(map)
        #expect(outcome.identity.uid == "old")
        guard case .existed = outcome else { throw APIError(kind: .malformed, request: "", message: "\(outcome)") }
    }

    @Test(arguments: [200, 201]) func applySaysWhetherItCreated(_ code: Int) async throws {
        let fake = try FakeAPIServer([
            "PATCH /api/v1/namespaces/default/configmaps/settings": [
                (code, #"{"metadata":{"name":"settings","namespace":"default","uid":"u"}}"#)
            ]
        ])
        let outcome = try await fake.client.apply(map)
        if case .created = outcome { #expect(code == 201) } else { #expect(code == 200) }
        let request = try #require(fake.requests.first)
        #expect(request.headers["content-type"] == "application/apply-patch+yaml")
        #expect(request.query == ["fieldManager": "berth", "force": "true"])
    }

    @Test func deletesOnlyTheObjectThatWasMeant() async throws {
        let path = "/api/v1/namespaces/load/services/web"
        func fake(_ answer: (Int, String), uid: String) throws -> FakeAPIServer {
            try FakeAPIServer([
                "DELETE \(path)": [answer],
                "GET \(path)": [(200, #"{"metadata":{"name":"web","namespace":"load","uid":"\#(uid)"}}"#)],
            ])
        }
        func delete(_ fake: FakeAPIServer) async throws -> DeletionOutcome {
            try await fake.client.delete(
                "Service", apiVersion: "v1", name: "web", namespace: "load",
                options: DeletionOptions(propagation: .foreground, gracePeriod: 0, uid: "mine"))
        }
        let deleted = try fake((200, "{}"), uid: "mine")
        #expect(try await delete(deleted) == .deleted)
        #expect(
            try deleted.body(0) == [
                "propagationPolicy": "Foreground", "gracePeriodSeconds": 0, "preconditions": ["uid": "mine"],
            ])
        #expect(try await delete(try fake(status(404, "NotFound"), uid: "")) == .gone)
        #expect(try await delete(try fake(status(409, "Conflict"), uid: "other")) == .replaced)
        let conflict = try fake(status(409, "Conflict"), uid: "mine")
        #expect(await apiError { _ = try await delete(conflict) }?.code == 409)
    }

    @Test func deletesByLabel() async throws {
        let fake = try FakeAPIServer([
            "DELETE /api/v1/namespaces/load/pods": [(200, "{}")],
            "GET /api/v1/namespaces/load/services": [
                (
                    200,
                    #"{"metadata":{"resourceVersion":"3"},"items":[{"metadata":{"name":"a","namespace":"load","uid":"1"}}]}"#
                )
            ],
            "DELETE /api/v1/namespaces/load/services/a": [(200, "{}")],
        ])
        try await fake.client.deleteAll("Pod", apiVersion: "v1", namespace: "load", labelSelector: "run=7")
        #expect(fake.calls == ["DELETE /api/v1/namespaces/load/pods"])
        #expect(fake.requests[0].query == ["labelSelector": "run=7"])
        // This server cannot delete a collection of services.
        try await fake.client.deleteAll(
            "Service", apiVersion: "v1", namespace: "load", labelSelector: "run=7", dryRun: true)
        #expect(
            fake.calls.suffix(2) == [
                "GET /api/v1/namespaces/load/services", "DELETE /api/v1/namespaces/load/services/a",
            ]
        )
        #expect(fake.requests[1].query["labelSelector"] == "run=7")
        #expect(try fake.body(2)["dryRun"] == ["All"])
        #expect(try fake.body(2)["preconditions"] == ["uid": "1"])
        let error = await apiError {
            try await fake.client.deleteAll("Pod", apiVersion: "v1", namespace: "load", labelSelector: " ")
        }
        #expect(error?.kind == .guarded)
        #expect(fake.calls.count == 3)
    }
}

@Suite struct ScaleTests {
    private let path = "/apis/apps/v1/namespaces/default/deployments/web/scale"

    @Test func readsARecordedScale() async throws {
        let recorded = String(decoding: try fixture("get-scale.json"), as: UTF8.self)
        let fake = try FakeAPIServer(["GET \(path)": [(200, recorded)]])
        let scale = try await fake.client.scale(deployment: "web", namespace: "default")
        #expect(scale.desiredReplicas == 2 && scale.replicas == 0 && scale.selector == "app=web")
        #expect(scale.resourceVersion == "323" && scale.namespace == "default")
    }

    @Test func writesOnTheVersionThatItRead() async throws {
        func scale(_ version: Int, _ replicas: Int) -> (Int, String) {
            (
                200,
                #"{"metadata":{"name":"web","namespace":"default","resourceVersion":"\#(version)"},"spec":{"replicas":\#(replicas)},"status":{"replicas":1}}"#
            )
        }
        let fake = try FakeAPIServer([
            "GET \(path)": [scale(5, 1), scale(6, 2)],
            "PUT \(path)": [status(409, "Conflict"), scale(7, 3)],
        ])
        let written = try await fake.client.setScale(deployment: "web", namespace: "default", replicas: 3)
        #expect(written.resourceVersion == "7")
        let puts = fake.requests.filter { $0.method == "PUT" }
        let versions = try puts.map { try JSONValue(parsing: $0.body)["metadata"]?["resourceVersion"]?.string }
        #expect(versions == ["5", "6"])
        #expect(try JSONValue(parsing: puts[1].body)["spec"] == ["replicas": 3])

        let decided = try FakeAPIServer(["PUT \(path)": [status(409, "Conflict")]])
        let error = await apiError {
            try await decided.client.setScale(
                deployment: "web", namespace: "default", replicas: 3, resourceVersion: "5", dryRun: true)
        }
        #expect(error?.code == 409)
        #expect(decided.requests.count { $0.method == "PUT" } == 1)
        #expect(decided.requests.last?.query["dryRun"] == "All")
    }

    @Test(arguments: [
        ("autoscaling/v1", "horizontalpodautoscalers", #"{"kind":"Deployment","name":"web"}"#, true),
        ("autoscaling/v1", "horizontalpodautoscalers", #"{"kind":"StatefulSet","name":"web"}"#, false),
        ("autoscaling/v1", "horizontalpodautoscalers", #"{"kind":"Deployment","name":"other"}"#, false),
        ("keda.sh/v1alpha1", "scaledobjects", #"{"name":"web"}"#, true),
    ])
    func leavesWhatAnAutoscalerOwns(_ version: String, _ plural: String, _ target: String, _ isOwner: Bool) async throws
    {
        let list =
            #"{"metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"auto"},"spec":{"scaleTargetRef":\#(target)}}]}"#
        let scale = #"{"metadata":{"name":"web","resourceVersion":"1"},"spec":{},"status":{"replicas":0}}"#
        let fake = try FakeAPIServer([
            "GET /apis/\(version)/namespaces/default/\(plural)": [(200, list)],
            "GET \(path)": [(200, scale)], "PUT \(path)": [(200, scale)],
        ])
        let error = await apiError {
            try await fake.client.setScale(deployment: "web", namespace: "default", replicas: 3)
        }
        #expect((error?.kind == .guarded) == isOwner)
        #expect(fake.requests.contains { $0.method == "PUT" } != isOwner)
        if isOwner { #expect(error?.message.contains("auto scales this Deployment") == true) }
    }

    @Test func doesNotScaleWhatItMayNotLookAt() async throws {
        let fake = try FakeAPIServer([
            "GET /apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers": [status(403, "Forbidden")]
        ])
        let error = await apiError {
            try await fake.client.setScale(deployment: "web", namespace: "default", replicas: 3)
        }
        #expect(error?.code == 403)
    }
}

@Suite struct PodWritingTests {
    private let pod = "/api/v1/namespaces/default/pods/web-0"

    @Test func bindsAndMayRepeatIt() async throws {
        func fake(_ answer: (Int, String), pod json: String? = nil) throws -> FakeAPIServer {
            var answers: FakeAPIServer.Answers = ["POST \(pod)/binding": [answer]]
            if let json { answers["GET \(pod)"] = [(200, json)] }
            return try FakeAPIServer(answers)
        }
        func bind(_ fake: FakeAPIServer) async throws -> BindingOutcome {
            try await fake.client.bind(pod: "web-0", namespace: "default", uid: "u", node: "n1")
        }
        func stored(uid: String, node: String) -> String {
            #"{"metadata":{"name":"web-0","uid":"\#(uid)"},"spec":{"nodeName":"\#(node)"}}"#
        }
        let bound = try fake((201, "{}"))
        #expect(try await bind(bound) == .bound)
        #expect(
            try bound.body(0) == [
                "apiVersion": "v1", "kind": "Binding",
                "metadata": ["name": "web-0", "namespace": "default", "uid": "u"],
                "target": ["apiVersion": "v1", "kind": "Node", "name": "n1"],
            ])
        let conflict = status(409, "Conflict", "pod web-0 is already assigned to node")
        #expect(try await bind(try fake(conflict, pod: stored(uid: "u", node: "n1"))) == .alreadyBound)
        #expect(try await bind(try fake(conflict, pod: stored(uid: "u", node: "n2"))) == .boundElsewhere(node: "n2"))
        #expect(try await bind(try fake(conflict, pod: stored(uid: "v", node: "n1"))) == .gone)
        #expect(try await bind(try fake(conflict)) == .gone)
        #expect(try await bind(try fake(status(404, "NotFound"))) == .gone)
        let unbound = try fake(conflict, pod: stored(uid: "u", node: ""))
        #expect(await apiError { _ = try await bind(unbound) }?.code == 409)
    }

    @Test func evictsInTheVersionThatTheServerTakes() async throws {
        let fake = try FakeAPIServer(["POST \(pod)/eviction": [(201, "{}")]])
        let outcome = try await fake.client.evict(pod: "web-0", namespace: "default", uid: "u", gracePeriod: 5)
        #expect(outcome == .evicted)
        #expect(
            try fake.body(0) == [
                "apiVersion": "policy/v1beta1", "kind": "Eviction",
                "metadata": ["name": "web-0", "namespace": "default"],
                "deleteOptions": ["gracePeriodSeconds": 5, "preconditions": ["uid": "u"]],
            ])
        let current = FakeAPIServer.discovery.mapValues { list in
            list.map { ($0.0, $0.1.replacingOccurrences(of: "v1beta1", with: "v1")) }
        }
        let newer = try FakeAPIServer(current.merging(["POST \(pod)/eviction": [(201, "{}")]]) { first, _ in first })
        _ = try await newer.client.evict(pod: "web-0", namespace: "default", uid: "u", dryRun: true)
        #expect(try newer.body(0)["apiVersion"] == "policy/v1")
        #expect(newer.requests[0].query == ["dryRun": "All"])
    }

    /// A refusal by a budget is no error; the first two are recorded.
    @Test func tellsWhatStoodInTheWayOfAnEviction() async throws {
        func recorded(_ name: String) throws -> (Int, String) {
            let text = String(decoding: try fixture(name), as: UTF8.self)
            let lines = text.split(separator: "\n")
            return (Int(lines.last ?? "") ?? 0, lines.dropLast().joined(separator: "\n"))
        }
        func evict(_ answer: (Int, String), uidNow: String = "u") async throws -> EvictionOutcome {
            let fake = try FakeAPIServer([
                "POST \(pod)/eviction": [answer],
                "GET \(pod)": [(200, #"{"metadata":{"name":"web-0","uid":"\#(uidNow)"}}"#)],
            ])
            return try await fake.client.evict(pod: "web-0", namespace: "default", uid: "u")
        }
        #expect(
            try await evict(try recorded("evict-blocked-by-budget.txt"))
                == .blocked(
                    message: "Cannot evict pod as it would violate the pod's disruption budget.", retryAfter: 10))
        #expect(try await evict(try recorded("evict-not-found.txt")) == .gone)
        // The text of pkg/registry/core/pod/storage/eviction.go.
        let many = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        #expect(try await evict(status(500, "InternalError", many)) == .tooManyBudgets(message: many))
        #expect(try await evict(status(409, "Conflict"), uidNow: "v") == .replaced)
        // The server's own limit of requests, and a fault of another kind.
        for answer in [status(429, "TooManyRequests"), status(500, "InternalError"), status(409, "Conflict")] {
            let error = await apiError { _ = try await evict(answer) }
            #expect(error?.code == answer.0)
        }
    }

    @Test func readsLogs() async throws {
        let fake = try FakeAPIServer(["GET \(pod)/log": [(200, "one\ntwo\n")]])
        let text = try await fake.client.log(pod: "web-0", namespace: "default", container: "c", tailLines: 2)
        #expect(text == "one\ntwo\n")
        #expect(fake.requests[0].query == ["container": "c", "tailLines": "2", "limitBytes": "1048576"])
    }

    @Test func changesRequests() async throws {
        let path = "/apis/apps/v1/namespaces/default/deployments/web"
        let fake = try FakeAPIServer(["PATCH \(path)": [(200, "{}")]])
        let cpu = try ResourceQuantity(parsing: "0.25")
        let memory = try ResourceQuantity(parsing: "64Mi")
        try await fake.client.patchRequests(
            deployment: "web", namespace: "default", container: "c", requests: ["cpu": cpu, "memory": memory])
        #expect(fake.requests[0].headers["content-type"] == "application/strategic-merge-patch+json")
        let containers: JSONValue = [
            ["name": "c", "resources": ["requests": ["cpu": "250m", "memory": "67108864"]]]
        ]
        #expect(try fake.body(0) == ["spec": ["template": ["spec": ["containers": containers]]]])
        // This server has no pods/resize.
        let refused = await apiError {
            try await fake.client.resize(
                pod: "web-0", namespace: "default", uid: "u", container: "c", requests: ["cpu": cpu])
        }
        #expect(refused?.kind == .unsupported)

        let discovery = FakeAPIServer.discovery.mapValues { list in
            list.map { ($0.0, $0.1.replacingOccurrences(of: "pods/binding", with: "pods/resize")) }
        }
        func server(minor: String) throws -> FakeAPIServer {
            try FakeAPIServer(
                discovery.merging([
                    "PATCH \(pod)/resize": [(200, "{}")],
                    "GET /version": [(200, #"{"major":"1","minor":"\#(minor)"}"#)],
                ]) { first, _ in first })
        }
        // Some have the subresource without the conditions that say what came of it.
        let older = try server(minor: "32")
        #expect(try await older.client.offersPodResize() == false)
        let newer = try server(minor: "33+")
        try await newer.client.resize(
            pod: "web-0", namespace: "default", uid: "u", container: "c", requests: ["cpu": cpu], dryRun: true)
        #expect(
            try newer.body(0) == [
                "metadata": ["uid": "u"],
                "spec": ["containers": [["name": "c", "resources": ["requests": ["cpu": "250m"]]]]],
            ])
        #expect(newer.requests[0].query["dryRun"] == "All")
    }
}

@Suite struct NodeWritingTests {
    private let path = "/api/v1/nodes/n1"

    private func node(_ version: Int, _ specification: String) -> (Int, String) {
        (200, #"{"metadata":{"name":"n1","resourceVersion":"\#(version)"},"spec":\#(specification)}"#)
    }

    @Test func keepsTaintsOfOthersWhole() async throws {
        let notReady =
            #"{"key":"node.kubernetes.io/not-ready","effect":"NoExecute","timeAdded":"2026-11-21T01:30:39Z"}"#
        let conflict = String(decoding: try fixture("patch-conflict.txt"), as: UTF8.self)
            .replacingOccurrences(of: "\n409\n", with: "")
        let fake = try FakeAPIServer([
            "GET \(path)": [
                node(1, "{}"), node(2, #"{"taints":[\#(notReady)]}"#),
            ],
            "PATCH \(path)": [(409, conflict), (200, "{}")],
        ])
        let taint = Taint(key: "berth.dev/crowded", value: "yes", effect: "PreferNoSchedule")
        #expect(try await fake.client.addTaint(taint, node: "n1"))
        let patch = try JSONValue(parsing: try #require(fake.requests.last).body)
        let expected: JSONValue = [
            try JSONValue(parsing: Array(notReady.utf8)),
            ["key": "berth.dev/crowded", "value": "yes", "effect": "PreferNoSchedule"],
        ]
        #expect(patch == ["metadata": ["resourceVersion": "2"], "spec": ["taints": expected]])
        #expect(fake.calls == ["GET \(path)", "PATCH \(path)", "GET \(path)", "PATCH \(path)"])
    }

    @Test func changesAndRemovesTaints() async throws {
        let own = #"{"key":"a","value":"1","effect":"NoSchedule"}"#
        let other = #"{"key":"a","effect":"NoExecute"}"#
        let fake = try FakeAPIServer([
            "GET \(path)": [node(1, #"{"taints":[\#(own),\#(other)]}"#)], "PATCH \(path)": [(200, "{}")],
        ])
        func sent() throws -> JSONValue? {
            try JSONValue(parsing: try #require(fake.requests.last).body)["spec"]?["taints"]
        }
        #expect(try await !fake.client.addTaint(Taint(key: "a", value: "1", effect: "NoSchedule"), node: "n1"))
        #expect(fake.calls == ["GET \(path)"])
        #expect(try await fake.client.addTaint(Taint(key: "a", value: "2", effect: "NoSchedule"), node: "n1"))
        #expect(
            try sent() == [
                ["key": "a", "value": "2", "effect": "NoSchedule"], ["key": "a", "effect": "NoExecute"],
            ])
        #expect(try await fake.client.removeTaint(key: "a", effect: "NoSchedule", node: "n1", dryRun: true))
        #expect(try sent() == [["key": "a", "effect": "NoExecute"]])
        #expect(fake.requests.last?.query["dryRun"] == "All")
        #expect(try await fake.client.removeTaint(key: "a", node: "n1"))
        #expect(try sent() == [])
        #expect(try await !fake.client.removeTaint(key: "b", node: "n1"))
        let refused = await apiError { try await fake.client.removeTaint(key: "node.kubernetes.io/x", node: "n1") }
        #expect(refused?.kind == .guarded)
    }

    @Test func cordonsOnce() async throws {
        let fake = try FakeAPIServer([
            "GET \(path)": [node(1, "{}"), node(2, #"{"unschedulable":true}"#)], "PATCH \(path)": [(200, "{}")],
        ])
        #expect(try await fake.client.cordon(node: "n1"))
        #expect(try fake.body(1) == ["metadata": ["resourceVersion": "1"], "spec": ["unschedulable": true]])
        #expect(try await !fake.client.cordon(node: "n1"))
        #expect(try await fake.client.uncordon(node: "n1"))
        #expect(
            try JSONValue(parsing: try #require(fake.requests.last).body)["spec"] == ["unschedulable": .null])
    }

    @Test func givesUpOnAnEndlessConflict() async throws {
        let fake = try FakeAPIServer([
            "GET \(path)": [node(1, "{}")], "PATCH \(path)": [status(409, "Conflict")],
        ])
        #expect(await apiError { try await fake.client.cordon(node: "n1") }?.code == 409)
        #expect(fake.requests.count { $0.method == "PATCH" } == 5)
    }
}
