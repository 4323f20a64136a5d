import JSON

/// A Service: an address in front of pods. (`Service` alone is what long tasks of a program are called in Swift.)
public struct KubernetesService: APIObject {
    /// "Service".
    public static let kind = "Service"
    /// "/api/v1/services".
    public static let collectionPath = "/api/v1/services"

    /// One port of a service.
    public struct Port: Sendable, Hashable {
        /// Its name; empty where the service has only one.
        public var name = ""
        /// Where clients connect to.
        public var port = 0
        /// Where every node forwards from; `nil` where nodes do not.
        public var nodePort: Int?
    }

    /// Namespace, name, uid, labels and times.
    public var metadata: ObjectMetadata
    /// Labels of the pods behind it; empty where it is not by labels that they are found.
    public var selector: [String: String] = [:]
    /// Its address within the cluster; `nil` for a headless service or before it has one.
    public var clusterIP: String?
    /// Its ports, in order.
    public var ports: [Port] = []

    /// Reads a Service.
    /// - Throws: `JSONError` for malformed text, `ObjectError` for one without a name.
    public init(reading reader: JSONReader) throws {
        metadata = ObjectMetadata()
        var service = self
        try reader.readObject { reader, key in
            switch key {
            case "metadata": service.metadata = try ObjectMetadata(reading: reader)
            case "spec": try service.readSpecification(reader)
            default: break
            }
        }
        guard !service.metadata.name.isEmpty else {
            throw ObjectError(object: "Service", message: "metadata.name is missing")
        }
        self = service
    }

    private mutating func readSpecification(_ reader: JSONReader) throws {
        try reader.readObjectIfPresent { reader, key in
            switch key {
            case "selector": selector = try reader.readStringMap()
            case "clusterIP":
                let address = try reader.readStringIfPresent() ?? ""
                clusterIP = address.isEmpty || address == "None" ? nil : address
            case "ports": try reader.readArrayIfPresent { ports.append(try Port(reading: $0)) }
            default: break
            }
        }
    }
}

extension KubernetesService.Port {
    init(reading reader: JSONReader) throws {
        try reader.readObject { reader, key in
            switch key {
            case "name": name = try reader.readStringIfPresent() ?? ""
            case "port": port = Int(try reader.readInteger())
            case "nodePort":
                let number = try reader.isNull ? 0 : Int(reader.readInteger())
                nodePort = number == 0 ? nil : number
            default: break
            }
        }
    }
}
