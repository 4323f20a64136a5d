import Hummingbird
import JSON
public import Kubernetes
public import Responses

/// A filter or prioritize request of kube-scheduler (k8s.io/kube-scheduler/extender/v1, ExtenderArgs).
///
/// The type has no JSON tags: current schedulers write `Pod`, older ones `pod`. Only what is needed is decoded; of full
/// nodes that is their name, and their text, which a filter has to hand back.
public struct ExtenderArguments: Sendable {
    /// The pod to be placed.
    public let pod: Kubernetes.Pod
    /// The candidates' names, in the scheduler's order.
    public let nodeNames: [String]
    /// Each candidate's Node object as JSON text; `nil` where the scheduler sent names only, and where it was not asked
    /// for.
    public let nodeTexts: [[UInt8]]?

    /// Decodes a request's body.
    /// - Parameters:
    ///   - body: the body.
    ///   - keepsNodes: whether the texts of full nodes are wanted.
    /// - Throws: `JSONError` for malformed text, `ObjectError` for objects without names, `RequestError` where the pod
    ///   or the nodes are missing.
    public init(parsing body: UnsafeRawBufferPointer, keepsNodes: Bool) throws {
        var pod: Kubernetes.Pod?
        var names: [String]?
        var nodes: (names: [String], texts: [[UInt8]])?
        try JSONReader.reading(buffer: body) { reader in
            try reader.readObject { reader, key in
                switch key.lowercased() {
                case "pod":
                    if !reader.isNull { pod = try Kubernetes.Pod(reading: reader) }
                case "nodenames":
                    if !reader.isNull { names = try Self.readNames(reader) }
                case "nodes":
                    if !reader.isNull { nodes = try Self.readNodes(reader, keepsNodes) }
                default: break
                }
            }
        }
        guard let pod else { throw RequestError("there is no Pod") }
        self.pod = pod
        if let names {
            nodeNames = names
            nodeTexts = nil
        } else if let nodes {
            nodeNames = nodes.names
            nodeTexts = keepsNodes ? nodes.texts : nil
        } else {
            throw RequestError("there are neither NodeNames nor Nodes")
        }
    }

    private static func readNames(_ reader: JSONReader) throws -> [String] {
        var names: [String] = []
        try reader.readArray { names.append(try $0.readString()) }
        return names
    }

    private static func readNodes(
        _ reader: JSONReader, _ keepsNodes: Bool
    ) throws -> (names: [String], texts: [[UInt8]]) {
        var names: [String] = []
        var texts: [[UInt8]] = []
        try reader.readObject { reader, key in
            guard key.lowercased() == "items" else { return }
            try reader.readArrayIfPresent { reader in
                names.append(try readName(reader))
                if keepsNodes { texts.append(try reader.text()) }
            }
        }
        return (names, texts)
    }

    private static func readName(_ reader: JSONReader) throws -> String {
        var name = ""
        try reader.readObject { reader, key in
            guard key == "metadata" else { return }
            try reader.readObject { reader, key in
                if key == "name" { name = try reader.readString() }
            }
        }
        guard !name.isEmpty else { throw ObjectError(object: "Node", message: "metadata.name is missing") }
        return name
    }
}

extension ObjectError: AnswerableError {
    /// 400: the extender reads no other objects while it answers than those of the request.
    public var status: HTTPResponse.Status { .badRequest }
}
