import Foundation
public import Settings

/// The manifest of a pod that runs an `InterferenceSpecification`.
///
/// The pod is killed 30 s after it should have ended at the latest, is never restarted, and stands outside the API
/// server's reach: it gets no service account token. A pod with `node` is bound to it without a scheduler.
public struct StressPod: Sendable, Equatable {
    /// What it does.
    public var specification: InterferenceSpecification
    /// The pod's name.
    public var name: String
    /// The pod's namespace.
    public var namespace: String
    /// The container image, with stress-ng on its path.
    public var image: String
    /// Labels beside `app.kubernetes.io/name: stress-ng` and `berth.dev/source`, which they may not replace.
    public var labels: [String: String]

    /// A pod.
    /// - Throws: `SettingsError` for a name, namespace or label that Kubernetes would refuse.
    public init(
        _ specification: InterferenceSpecification, name: String, namespace: String, image: String,
        labels: [String: String] = [:]
    ) throws(SettingsError) {
        (self.specification, self.name, self.namespace) = (specification, name, namespace)
        (self.image, self.labels) = (image, labels)
        for (key, value) in [("name", name), ("namespace", namespace)] where !Self.isName(value) {
            throw SettingsError(
                key: key, problem: "expected lower-case letters, digits and - (at most 63), found \"\(value)\"")
        }
        for (key, value) in labels where !Self.isLabelKey(key) || !(value.isEmpty || Self.isLabelName(value)) {
            throw SettingsError(key: "labels", problem: "\"\(key): \(value)\" is not a label that Kubernetes takes")
        }
        for key in Self.ownLabels(specification).keys where labels[key] != nil {
            throw SettingsError(key: "labels", problem: "\"\(key)\" is set by the pod itself")
        }
    }

    /// The manifest as JSON, which is YAML too; keys are sorted, so equal pods give equal text.
    public func manifest() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(document), as: UTF8.self)
    }

    private static func ownLabels(_ specification: InterferenceSpecification) -> [String: String] {
        ["app.kubernetes.io/name": "stress-ng", "berth.dev/source": specification.source.rawValue]
    }

    private var document: Manifest {
        var container = Manifest.Container(
            image: image, command: ["stress-ng"] + specification.stressNGArguments)
        var requests: [String: String] = [:]
        if specification.cpuRequest > 0 { requests["cpu"] = Self.cores(specification.cpuRequest) }
        if specification.memoryRequest > 0 { requests["memory"] = "\(Int(specification.memoryRequest.rounded(.up)))Mi" }
        if let limit = specification.cpuLimit {
            // A request that is left out, or 0, would become the limit: the smallest one keeps the pod's weight lowest.
            container.resources.limits = ["cpu": Self.cores(limit)]
            requests["cpu"] = requests["cpu"] ?? "1m"
        }
        if !requests.isEmpty { container.resources.requests = requests }
        return Manifest(
            metadata: .init(
                name: name, namespace: namespace,
                labels: labels.merging(Self.ownLabels(specification)) { own, _ in own }),
            spec: .init(
                activeDeadlineSeconds: specification.seconds + 30,
                nodeName: specification.node.isEmpty ? nil : specification.node,
                nodeSelector: specification.nodeSelector.isEmpty ? nil : specification.nodeSelector,
                containers: [container]))
    }

    /// Cores as Kubernetes writes them, in thousandths.
    private static func cores(_ value: Double) -> String { "\(max(1, Int((value * 1000).rounded())))m" }

    private static func isName(_ text: String) -> Bool {
        text.wholeMatch(of: /[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?/) != nil
    }

    private static func isLabelName(_ text: String) -> Bool {
        text.wholeMatch(of: /[A-Za-z0-9]([A-Za-z0-9_.\-]{0,61}[A-Za-z0-9])?/) != nil
    }

    private static func isLabelKey(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return parts.count == 1 && isLabelName(text) }
        let domain = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        return isLabelName(parts[1]) && domain.allSatisfy { isName(String($0)) }
    }

    /// The parts of a v1 Pod that are written.
    private struct Manifest: Encodable {
        struct Metadata: Encodable {
            var name: String
            var namespace: String
            var labels: [String: String]
        }
        struct Resources: Encodable {
            var requests: [String: String]?
            var limits: [String: String]?
        }
        struct VolumeMount: Encodable {
            var name = "scratch"
            var mountPath = "/tmp"
        }
        struct Container: Encodable {
            var name = "stress-ng"
            var image: String
            var imagePullPolicy = "IfNotPresent"
            var command: [String]
            var resources = Resources()
            var volumeMounts = [VolumeMount()]
        }
        struct Volume: Encodable {
            var name = "scratch"
            var emptyDir: [String: String] = [:]
        }
        struct Specification: Encodable {
            var activeDeadlineSeconds: Int
            var automountServiceAccountToken = false
            var nodeName: String?
            var nodeSelector: [String: String]?
            var restartPolicy = "Never"
            var terminationGracePeriodSeconds = 1
            var containers: [Container]
            var volumes = [Volume()]
        }
        var apiVersion = "v1"
        var kind = "Pod"
        var metadata: Metadata
        var spec: Specification
    }
}
