import Foundation
import JSON
import Kubernetes
import Testing

private func pod(_ json: String) throws -> Pod {
    try JSONReader.reading(Array(json.utf8)) { try Pod(reading: $0) }
}

private func node(_ json: String) throws -> Node {
    try JSONReader.reading(Array(json.utf8)) { try Node(reading: $0) }
}

@Suite struct ObjectTests {
    @Test func readsAPod() throws {
        let pod = try pod(
            """
            {"metadata":{"name":"web-0","namespace":"prod","uid":"u1","resourceVersion":"7","labels":{"app":"web"},
             "creationTimestamp":"2026-11-21T01:30:39Z","deletionTimestamp":"2026-11-21T01:31:39.25Z",
             "ownerReferences":[{"kind":"ReplicaSet","name":"web","uid":"r1","controller":true}],"managedFields":[{}]},
             "spec":{"nodeName":"n1","schedulerName":"berth","priority":1000,
              "containers":[{"name":"a","resources":{"requests":{"cpu":"500m","memory":"128Mi"},"limits":{"cpu":"1"}}},
                            {"name":"b","resources":{"requests":{"cpu":0.25}}}]},
             "status":{"phase":"Running","startTime":"2026-11-21T01:30:40Z","conditions":[
              {"type":"Initialized","status":"True"},
              {"type":"Ready","status":"False","lastTransitionTime":"2026-11-21T01:30:41Z"}]}}
            """)
        #expect(pod.key == "prod/web-0")
        #expect(pod.metadata.uid == "u1")
        #expect(pod.metadata.labels == ["app": "web"])
        #expect(pod.controller == OwnerReference(kind: "ReplicaSet", name: "web", uid: "r1"))
        #expect(pod.nodeName == "n1")
        #expect(pod.schedulerName == "berth")
        #expect(pod.priority == 1_000)
        #expect(pod.phase == .running)
        #expect(pod.ready == .false)
        #expect(pod.requestedCPU?.milli == 750)
        #expect(pod.requestedMemory?.roundedUp == 128 << 20)
        // Container b has no limit, so nothing bounds the pod.
        #expect(pod.limits.isEmpty)
        // Seconds since 1970 by `date -u -d 2026-11-21T01:30:39Z +%s`.
        #expect(pod.metadata.creationTimestamp?.seconds == 1_795_224_639)
        #expect(pod.metadata.deletionTimestamp?.seconds == 1_795_224_699.25)
        #expect(pod.startTime?.seconds == 1_795_224_640)
    }

    @Test func absentIsNotZero() throws {
        let bare = try pod(
            #"{"metadata":{"name":"p"},"spec":{"containers":[{"resources":{}}],"nodeName":""},"status":{}}"#)
        #expect(bare.requestedCPU == nil && bare.requestedMemory == nil)
        #expect(bare.nodeName == nil && bare.phase == nil && bare.ready == nil && bare.priority == nil)
        let empty = try node(#"{"metadata":{"name":"n"},"spec":null,"status":null}"#)
        #expect(empty.allocatableCPU == nil && empty.ready == nil)
    }

    /// The worked examples of KEP-753 (sidecar containers), "Resources calculation for scheduling and pod admission".
    @Test func sumsInitContainersAndOverhead() throws {
        func cpu(_ spec: String) throws -> Int64? {
            try pod(#"{"metadata":{"name":"p"},"spec":{\#(spec)}}"#).requestedCPU?.milli
        }
        func container(_ cpu: String, sidecar: Bool = false) -> String {
            #"{"resources":{"requests":{"cpu":"\#(cpu)"}}\#(sidecar ? #","restartPolicy":"Always""# : "")}"#
        }
        // An init container larger than all containers together decides.
        #expect(
            try cpu(
                #""initContainers":[\#(container("5")),\#(container("1"))],"containers":[\#(container("1")),\#(container("2"))]"#
            ) == 5_000)
        // Sidecars count beside the containers and beside the init containers that come later.
        #expect(
            try cpu(
                """
                "initContainers":[\(container("5")),\(container("1", sidecar: true)),\(container("10")),
                \(container("1", sidecar: true))],"containers":[\(container("1"))]
                """) == 11_000)
        #expect(
            try cpu(
                """
                "initContainers":[\(container("1", sidecar: true)),\(container("2", sidecar: true))],
                "containers":[\(container("1"))],"overhead":{"cpu":"250m"}
                """) == 4_250)
        // What the pod as a whole requests replaces the sum.
        #expect(
            try cpu(#""resources":{"requests":{"cpu":"3"}},"containers":[\#(container("1"))]"#) == 3_000)
    }

    @Test func limitsNeedEveryContainer() throws {
        let bounded = try pod(
            """
            {"metadata":{"name":"p"},"spec":{"containers":[{"resources":{"limits":{"cpu":"1","memory":"1Gi"}}},
            {"resources":{"limits":{"cpu":"500m"}}}],"overhead":{"cpu":"100m","memory":"1Mi"}}}
            """)
        #expect(bounded.limits["cpu"]?.milli == 1_600)
        #expect(bounded.limits["memory"] == nil)
    }

    /// A container of 100m that the kubelet has admitted 200m for and runs with 150m.
    @Test func countsWhatAResizedPodHolds() throws {
        func resized(asks: String, condition: String = "", generation: Int = 7) throws -> Pod {
            try pod(
                """
                {"metadata":{"name":"p","generation":\(generation)},"spec":{"containers":[
                {"name":"a","resources":{"requests":{"cpu":"\(asks)","memory":"64Mi"}}},
                {"name":"b","resources":{"requests":{"cpu":"10m"}}}],
                "initContainers":[{"name":"i","resources":{"requests":{"cpu":"20m"}}},
                {"name":"s","restartPolicy":"Always","resources":{"requests":{"cpu":"1m"}}}]},
                "status":{"conditions":[{"type":"Ready","status":"True"}\(condition)],"containerStatuses":[
                {"name":"a","allocatedResources":{"cpu":"200m","memory":"64Mi"},
                "resources":{"requests":{"cpu":"150m","memory":"32Mi"}}},{"name":"b","allocatedResources":{"cpu":"1"}}],
                "initContainerStatuses":[{"name":"i","resources":{"requests":{"cpu":"9"}}},
                {"name":"s","resources":{"requests":{"cpu":"2m"}}}]}}
                """)
        }
        func pending(_ reason: String, of generation: Int = 7) -> String {
            #",{"type":"PodResizePending","status":"True","reason":"\#(reason)","#
                + #""message":"no room","observedGeneration":\#(generation)}"#
        }
        let smaller = try resized(asks: "100m")
        #expect(smaller.requestedCPU?.milli == 212 && smaller.requestedMemory?.roundedUp == 64 << 20)
        #expect(smaller.containers.map(\.name) == ["a", "b"] && smaller.resizeObstacle == nil)
        #expect(smaller.containers.map(\.requestedCPU?.milli) == [100, 10])
        #expect(smaller.containers.map(\.heldCPU?.milli) == [200, 1_000])
        let deferred = try resized(asks: "300m", condition: pending("Deferred"))
        #expect(deferred.requestedCPU?.milli == 312)
        #expect(deferred.resizeObstacle?.isInfeasible == false && deferred.resizeObstacle?.message == "no room")
        // What the node can never give does not count.
        let infeasible = try resized(asks: "300m", condition: pending("Infeasible"))
        #expect(infeasible.requestedCPU?.milli == 212)
        #expect(infeasible.resizeObstacle?.description == "Infeasible: no room")
        // Said of what was asked for before.
        #expect(try resized(asks: "300m", condition: pending("Deferred", of: 6)).resizeObstacle == nil)
    }

    @Test func readsANode() throws {
        let node = try node(
            """
            {"metadata":{"name":"n","uid":"u"},
             "spec":{"unschedulable":true,"taints":[{"key":"k","value":"v","effect":"NoSchedule"},{"key":"x","effect":"NoExecute"}]},
             "status":{"allocatable":{"cpu":"1930m","memory":"16Gi","pods":"110","nvidia.com/gpu":"2"},
             "conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"Unknown"}]}}
            """)
        #expect(node.isUnschedulable)
        #expect(
            node.taints == [Taint(key: "k", value: "v", effect: "NoSchedule"), Taint(key: "x", effect: "NoExecute")])
        #expect(node.allocatableCPU?.milli == 1_930)
        #expect(node.allocatableMemory?.roundedUp == 16 << 30)
        #expect(node.allocatablePods?.roundedUp == 110)
        #expect(node.allocatable["nvidia.com/gpu"]?.roundedUp == 2)
        #expect(node.ready == .unknown)
    }

    private func read<Object: APIObject>(_ kind: Object.Type, _ json: String) throws -> Object {
        try JSONReader.reading(Array(json.utf8)) { try Object(reading: $0) }
    }

    @Test func readsADeployment() throws {
        let deployment = try read(
            Deployment.self,
            """
            {"metadata":{"name":"web","namespace":"prod","generation":4,"annotations":{"berth.dev/slo-p99":"200ms"}},
             "spec":{"replicas":3,"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":
              {"app":"web","tier":"front"}},"spec":{"schedulerName":"berth","containers":[{"name":"c","image":"nginx",
              "resources":{"requests":{"cpu":"100m"},"limits":{"memory":"1Gi"}}},{"name":"log"}]}}},
             "status":{"observedGeneration":4,"replicas":3,"updatedReplicas":3,"readyReplicas":2,"availableReplicas":2}}
            """)
        #expect(deployment.annotations == ["berth.dev/slo-p99": "200ms"])
        #expect(deployment.desiredReplicas == 3 && deployment.readyReplicas == 2)
        #expect(deployment.selector.text == "app=web")
        #expect(deployment.templateLabels == ["app": "web", "tier": "front"])
        #expect(deployment.schedulerName == "berth")
        #expect(deployment.containers.map(\.name) == ["c", "log"])
        #expect(deployment.containers[0].requests["cpu"]?.milli == 100)
        #expect(deployment.containers[0].limits["memory"]?.roundedUp == 1 << 30)
        #expect(deployment.containers[1].requests.isEmpty)
        #expect(!deployment.isRolledOut)
        var done = deployment
        done.availableReplicas = 3
        #expect(done.isRolledOut)
        done.observedGeneration = 3
        #expect(!done.isRolledOut)
        #expect(Deployment.collectionPath(namespace: "prod") == "/apis/apps/v1/namespaces/prod/deployments")
        #expect(Node.collectionPath(namespace: "prod") == "/api/v1/nodes")
    }

    @Test func readsBudgetsServicesAndOwners() throws {
        let budget = try read(
            PodDisruptionBudget.self,
            """
            {"metadata":{"name":"web"},"spec":{"minAvailable":1,"selector":{"matchExpressions":[
             {"key":"app","operator":"In","values":["web","api"]}]}},
             "status":{"observedGeneration":1,"disruptionsAllowed":2,"currentHealthy":3,"desiredHealthy":1}}
            """)
        #expect(budget.disruptionsAllowed == 2 && budget.currentHealthy == 3 && budget.desiredHealthy == 1)
        #expect(budget.selector?.matches(["app": "api"]) == true && budget.selector?.matches(["app": "db"]) == false)
        // Written by the API server when it stores a new budget: nothing was counted.
        let fresh = try read(
            PodDisruptionBudget.self,
            #"{"metadata":{"name":"web"},"status":{"disruptionsAllowed":0,"currentHealthy":0,"desiredHealthy":0}}"#)
        #expect(fresh.disruptionsAllowed == nil && fresh.selector == nil)
        let service = try read(
            KubernetesService.self,
            """
            {"metadata":{"name":"web"},"spec":{"clusterIP":"10.96.0.7","selector":{"app":"web"},
             "ports":[{"name":"http","port":80,"targetPort":"http","nodePort":30080},{"port":443,"nodePort":0}]}}
            """)
        #expect(service.clusterIP == "10.96.0.7" && service.selector == ["app": "web"])
        #expect(service.ports.map(\.port) == [80, 443] && service.ports.map(\.nodePort) == [30_080, nil])
        let set = try read(
            ReplicaSet.self,
            #"{"metadata":{"name":"web-1","ownerReferences":[{"kind":"Deployment","name":"web","uid":"d","controller":true}]}}"#
        )
        #expect(set.controller == OwnerReference(kind: "Deployment", name: "web", uid: "d"))
    }

    /// The rules of k8s.io/apimachinery/pkg/labels: an absent label satisfies NotIn.
    @Test func selectsByLabels() throws {
        func selector(_ json: String) throws -> LabelSelector {
            try #require(
                try read(PodDisruptionBudget.self, #"{"metadata":{"name":"b"},"spec":{"selector":\#(json)}}"#).selector)
        }
        let all = try selector(
            """
            {"matchLabels":{"app":"web"},"matchExpressions":[{"key":"zone","operator":"NotIn","values":["a"]},
             {"key":"tier","operator":"Exists"},{"key":"old","operator":"DoesNotExist"}]}
            """)
        #expect(all.text == "!old,app=web,tier,zone notin (a)")
        #expect(all.matches(["app": "web", "tier": ""]))
        #expect(all.matches(["app": "web", "tier": "x", "zone": "b"]))
        #expect(!all.matches(["app": "web", "tier": "x", "zone": "a"]))
        #expect(!all.matches(["app": "web", "tier": "x", "old": ""]))
        #expect(!all.matches(["app": "web"]) && !all.matches(["tier": "x"]))
        #expect(try selector("{}").matches([:]) && selector("{}").isEmpty)
        let unknown = try selector(#"{"matchExpressions":[{"key":"a","operator":"Gt","values":["1"]}]}"#)
        #expect(!unknown.matches(["a": "2"]) && unknown.text == nil)
    }

    @Test func namesWhatIsWrong() {
        #expect(throws: ObjectError(object: "Node", message: "metadata.name is missing")) { try node("{}") }
        do {
            _ = try pod(#"{"metadata":{"name":"p"},"spec":{"containers":[{"resources":{"requests":{"cpu":"lots"}}}]}}"#)
            Issue.record("a pod that requests \"lots\" was read")
        } catch {
            #expect("\(error)".contains("resource cpu: \"lots\" is not a resource quantity"))
        }
        do {
            _ = try pod(#"{"metadata":{"name":"p","creationTimestamp":"yesterday"}}"#)
            Issue.record("a pod created \"yesterday\" was read")
        } catch {
            #expect("\(error)".contains("\"yesterday\" is not a time"))
        }
    }

    /// Against Foundation's formatter over leap years, centuries and offsets.
    @Test func timestampsAgreeWithFoundation() throws {
        let formatter = ISO8601DateFormatter()
        for text in [
            "1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "1900-03-01T00:00:00Z", "2100-12-31T12:00:00Z",
            "2024-02-29T01:02:03+05:30", "2023-07-15T10:00:00-08:00",
        ] {
            let expected = try #require(formatter.date(from: text)).timeIntervalSince1970
            #expect(Timestamp(parsing: text)?.seconds == expected, "\(text)")
        }
        for text in [
            "", "2024-02-29", "2024-13-01T00:00:00Z", "2024-01-01T00:00:00", "2024-01-01 00:00:00",
            "2024-01-01T00:00:00.Z",
        ] {
            #expect(Timestamp(parsing: text) == nil, "\(text)")
        }
    }
}
