import JSON
import Kubernetes

/// An object as the API server writes it.
func read<Object: APIObject>(_ json: String) throws -> Object {
    try JSONReader.reading(Array(json.utf8)) { try Object(reading: $0) }
}

/// A node of so many cores; `nil` for one that has not said what pods may request.
func node(
    _ name: String, cpu: String? = "4", pods: Int = 110, isReady: Bool = true, isCordoned: Bool = false,
    taint: String? = nil
) throws -> Node {
    let taints = taint.map { #"{"key":"dedicated","value":"x","effect":"\#($0)"}"# } ?? ""
    let allocatable = cpu.map { #""allocatable":{"cpu":"\#($0)","memory":"8Gi","pods":"\#(pods)"},"# } ?? ""
    return try read(
        """
        {"metadata":{"name":"\(name)","uid":"\(name)"},"spec":{"unschedulable":\(isCordoned),"taints":[\(taints)]},
        "status":{\(allocatable)"conditions":[{"type":"Ready","status":"\(isReady ? "True" : "False")"}]}}
        """)
}

/// A replica of the Deployment `owner`, or a pod of nobody.
func pod(
    _ name: String, of owner: String? = "web", on node: String? = nil, cpu: String = "500m", isReady: Bool = false,
    isTerminating: Bool = false, namespace: String = "shop", scheduler: String = "berth-scheduler",
    phase: String = "Running"
) throws -> Pod {
    let controller =
        owner.map {
            #","ownerReferences":[{"kind":"ReplicaSet","name":"\#($0)-5d4","uid":"r","controller":true}]"#
                + #","labels":{"pod-template-hash":"5d4","app":"\#($0)"}"#
        } ?? ""
    let deletion = isTerminating ? #","deletionTimestamp":"2026-11-21T01:30:39Z""# : ""
    return try read(
        """
        {"metadata":{"name":"\(name)","namespace":"\(namespace)","uid":"uid-\(name)"\(controller)\(deletion)},
        "spec":{"schedulerName":"\(scheduler)"\(node.map { #","nodeName":"\#($0)""# } ?? ""),
        "containers":[{"resources":{"requests":{"cpu":"\(cpu)","memory":"64Mi"}}}]},
        "status":{"phase":"\(phase)","conditions":[{"type":"Ready","status":"\(isReady ? "True" : "False")"}]}}
        """)
}

/// A Deployment whose pods have the label app=`name`.
func deployment(
    _ name: String, replicas: Int, cpu: String? = "250m", limit: String? = nil, namespace: String = "shop"
) throws -> Deployment {
    let requests = cpu.map { #""requests":{"cpu":"\#($0)","memory":"128Mi"}"# } ?? #""requests":{}"#
    let limits = limit.map { #","limits":{"cpu":"\#($0)"}"# } ?? ""
    return try read(
        """
        {"metadata":{"name":"\(name)","namespace":"\(namespace)"},"spec":{"replicas":\(replicas),
        "selector":{"matchLabels":{"app":"\(name)"}},"template":{"metadata":{"labels":{"app":"\(name)","tier":"front"}},
        "spec":{"containers":[{"name":"c","resources":{\(requests)\(limits)}}]}}}}
        """)
}

/// A disruption budget that allows so many; `nil` before it was counted.
func budget(
    _ name: String, selector: String?, allowed: Int?, namespace: String = "shop"
) throws -> PodDisruptionBudget {
    let status = allowed.map { #""observedGeneration":1,"disruptionsAllowed":\#($0)"# } ?? #""disruptionsAllowed":9"#
    return try read(
        """
        {"metadata":{"name":"\(name)","namespace":"\(namespace)"},
        "spec":{\(selector.map { #""selector":\#($0)"# } ?? "")},"status":{\(status)}}
        """)
}
