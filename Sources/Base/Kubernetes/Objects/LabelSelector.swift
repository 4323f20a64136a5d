import JSON

/// Which labels an object must carry.
public struct LabelSelector: Sendable, Hashable {
    /// A condition on one label.
    public struct Requirement: Sendable, Hashable {
        /// What is asked of the label. A struct, so that an operator this client does not know survives.
        public struct Operator: RawRepresentable, Sendable, Hashable {
            /// The API's word.
            public let rawValue: String
            /// An operator by the API's word.
            public init(rawValue: String) { self.rawValue = rawValue }
            /// The label is there with one of the values.
            public static let isIn = Operator(rawValue: "In")
            /// The label is absent or has none of the values.
            public static let isNotIn = Operator(rawValue: "NotIn")
            /// The label is there.
            public static let exists = Operator(rawValue: "Exists")
            /// The label is absent.
            public static let doesNotExist = Operator(rawValue: "DoesNotExist")
        }

        /// The label's key.
        public var key = ""
        /// What is asked of it.
        public var comparison = Operator.exists
        /// The values of `isIn` and `isNotIn`.
        public var values: [String] = []
    }

    /// Labels that must have these values.
    public var matchLabels: [String: String] = [:]
    /// Further conditions.
    public var requirements: [Requirement] = []

    /// A selector of labels and values.
    public init(matchLabels: [String: String] = [:]) {
        self.matchLabels = matchLabels
    }

    /// Whether it asks for nothing. Such a selector matches every object, but for a disruption budget of
    /// policy/v1beta1, where it matches none.
    public var isEmpty: Bool { matchLabels.isEmpty && requirements.isEmpty }

    /// Whether an object with these labels is selected. An operator that is not known selects nothing.
    public func matches(_ labels: [String: String]) -> Bool {
        matchLabels.allSatisfy { labels[$0.key] == $0.value }
            && requirements.allSatisfy { requirement in
                let value = labels[requirement.key]
                return switch requirement.comparison {
                case .isIn: value.map(requirement.values.contains) ?? false
                case .isNotIn: value.map { !requirement.values.contains($0) } ?? true
                case .exists: value != nil
                case .doesNotExist: value == nil
                default: false
                }
            }
    }

    /// The selector as the query `labelSelector` takes it, its parts sorted; `nil` where it has an operator that is
    /// not known.
    public var text: String? {
        var parts = matchLabels.map { "\($0.key)=\($0.value)" }
        for requirement in requirements {
            let values = "(\(requirement.values.joined(separator: ",")))"
            switch requirement.comparison {
            case .isIn: parts.append("\(requirement.key) in \(values)")
            case .isNotIn: parts.append("\(requirement.key) notin \(values)")
            case .exists: parts.append(requirement.key)
            case .doesNotExist: parts.append("!\(requirement.key)")
            default: return nil
            }
        }
        return parts.sorted().joined(separator: ",")
    }

    init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "matchLabels": matchLabels = try reader.readStringMap()
            case "matchExpressions":
                try reader.readArrayIfPresent { requirements.append(try Requirement(reading: $0)) }
            default: break
            }
        }
    }
}

extension LabelSelector.Requirement {
    init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "key": self.key = try reader.readString()
            case "operator": comparison = Operator(rawValue: try reader.readString())
            case "values": try reader.readArrayIfPresent { values.append(try $0.readString()) }
            default: break
            }
        }
    }
}
