import JSON

/// How many of its pods may be evicted at the moment.
public struct PodDisruptionBudget: APIObject {
    /// "PodDisruptionBudget".
    public static let kind = "PodDisruptionBudget"
    /// The path on Kubernetes 1.21 and later; `APIClient.disruptionBudgetPath()` asks the server.
    public static let collectionPath = "/apis/policy/v1/poddisruptionbudgets"

    /// Namespace, name, uid and times.
    public var metadata: ObjectMetadata
    /// Which pods it covers: none where `nil`.
    public var selector: LabelSelector?
    /// Pods that may be evicted now; `nil` before the controller has counted them.
    public var disruptionsAllowed: Int?
    /// Healthy pods now; `nil` before the controller has counted them.
    public var currentHealthy: Int?
    /// Healthy pods that must stay; `nil` before the controller has counted them.
    public var desiredHealthy: Int?

    /// Reads a PodDisruptionBudget.
    /// - Throws: `JSONError` for malformed text, `ObjectError` for one without a name.
    public init(reading reader: JSONReader) throws {
        metadata = ObjectMetadata()
        var budget = self
        var isCounted = false
        try reader.readObject { reader, key in
            switch key {
            case "metadata": budget.metadata = try ObjectMetadata(reading: reader)
            case "spec":
                try reader.readObjectIfPresent { reader, key in
                    if key == "selector", !reader.isNull {
                        budget.selector = try LabelSelector(reading: reader)
                    }
                }
            case "status": isCounted = try budget.readStatus(reader)
            default: break
            }
        }
        guard !budget.metadata.name.isEmpty else {
            throw ObjectError(object: "PodDisruptionBudget", message: "metadata.name is missing")
        }
        // The API writes zeros also before anything was counted.
        if !isCounted {
            budget.disruptionsAllowed = nil
            budget.currentHealthy = nil
            budget.desiredHealthy = nil
        }
        self = budget
    }

    /// Returns whether the controller has counted: it then says what generation it saw.
    private mutating func readStatus(_ reader: JSONReader) throws -> Bool {
        var isCounted = false
        try reader.readObjectIfPresent { reader, key in
            switch key {
            case "observedGeneration": isCounted = try !reader.isNull && reader.readInteger() > 0
            case "disruptionsAllowed": disruptionsAllowed = Int(try reader.readInteger())
            case "currentHealthy": currentHealthy = Int(try reader.readInteger())
            case "desiredHealthy": desiredHealthy = Int(try reader.readInteger())
            default: break
            }
        }
        return isCounted
    }
}

extension APIClient {
    /// The path of the disruption budgets of a namespace, or of all for `nil`: policy/v1 where the server has it,
    /// else policy/v1beta1.
    /// - Throws: `APIError`; `CancellationError`.
    public func disruptionBudgetPath(namespace: String? = nil) async throws -> String {
        try await resource(apiVersions: ["policy/v1", "policy/v1beta1"], kind: PodDisruptionBudget.kind)
            .path(namespace: namespace)
    }
}
