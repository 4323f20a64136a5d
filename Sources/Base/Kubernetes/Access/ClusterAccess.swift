import Foundation
import HTTP

/// Where a cluster's API server is and how to prove one's identity to it.
public struct ClusterAccess: Sendable, Hashable {
    /// How requests say who sends them. Client certificates come beside it.
    public enum Token: Sendable, Hashable {
        /// A token that does not change.
        case fixed(String)
        /// A file that is read for each request, because service account tokens rotate.
        case file(String)
        /// A program that brings a token or a client certificate; what it brings is kept until it expires or the
        /// server refuses it.
        case plugin(ExecPlugin)
    }

    /// The server's URL, without a trailing slash.
    public var server: String
    /// The only certificates that may sign the server's; the system's where `nil`.
    public var certificateAuthority: PEMSource?
    /// The client's certificate.
    public var clientCertificate: PEMSource?
    /// The key of the client's certificate.
    public var clientKey: PEMSource?
    /// The bearer token.
    public var token: Token?
    /// Whether the server's certificate goes unchecked.
    public var skipsVerification = false
    /// The name expected in the server's certificate; the URL's host where `nil`.
    public var serverName: String?
    /// The proxy's URL; none where `nil`.
    public var proxy: String?
    /// The namespace meant where none is named.
    public var namespace = "default"

    /// Access to `server` without credentials.
    public init(server: String) {
        self.server = server.hasSuffix("/") ? String(server.dropLast()) : server
    }

    /// Finds the cluster as kubectl does: the named kubeconfig; else those that `KUBECONFIG` lists; else the pod's
    /// service account, inside a cluster; else `~/.kube/config`.
    /// - Parameters:
    ///   - kubeconfig: a file's path, or `nil`.
    ///   - context: the context to use instead of the current one.
    ///   - environment: the process' environment variables.
    /// - Throws: `AccessError` naming the file and key at fault.
    public static func discover(
        kubeconfig: String? = nil, context: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> ClusterAccess {
        if let kubeconfig { return try KubeConfiguration(paths: [kubeconfig]).access(context: context) }
        if let list = environment["KUBECONFIG"], !list.isEmpty {
            let paths = list.split(separator: ":").map(String.init)
            return try KubeConfiguration(paths: paths).access(context: context)
        }
        if environment["KUBERNETES_SERVICE_HOST"] != nil, context == nil {
            return try serviceAccount(environment: environment)
        }
        guard let home = environment["HOME"], FileManager.default.fileExists(atPath: home + "/.kube/config") else {
            throw AccessError(
                code: .missing, place: "environment",
                message: "no cluster found: name a kubeconfig, set KUBECONFIG, or run inside a cluster")
        }
        return try KubeConfiguration(paths: [home + "/.kube/config"]).access(context: context)
    }

    /// Access through the service account that Kubernetes mounts into a pod.
    /// - Parameters:
    ///   - environment: must hold `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
    ///   - folder: where the account is mounted.
    /// - Throws: `AccessError` where a variable or file is missing.
    public static func serviceAccount(
        environment: [String: String], folder: String = "/var/run/secrets/kubernetes.io/serviceaccount"
    ) throws -> ClusterAccess {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], let port = environment["KUBERNETES_SERVICE_PORT"]
        else {
            throw AccessError(
                code: .missing, place: "environment",
                message: "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: not inside a cluster")
        }
        for file in ["token", "ca.crt"] where !FileManager.default.isReadableFile(atPath: "\(folder)/\(file)") {
            throw AccessError(
                code: .unreadable, place: "\(folder)/\(file)", message: "cannot be read; is a service account mounted?")
        }
        var access = ClusterAccess(server: "https://\(host.contains(":") ? "[\(host)]" : host):\(port)")
        access.token = .file("\(folder)/token")
        access.certificateAuthority = .file("\(folder)/ca.crt")
        if let namespace = try? String(contentsOfFile: "\(folder)/namespace", encoding: .utf8) {
            let trimmed = namespace[...].trimmed
            if !trimmed.isEmpty { access.namespace = String(trimmed) }
        }
        return access
    }

    var transportSettings: TransportSettings {
        var settings = TransportSettings()
        settings.certificateAuthority = certificateAuthority
        settings.clientCertificate = clientCertificate
        settings.clientKey = clientKey
        settings.verifiesServer = !skipsVerification
        settings.proxy = proxy
        if serverName != nil, let (_, authority, _) = serverParts {
            settings.connectTo = authority
        }
        return settings
    }

    /// The URL requests are sent to: with another server name its host is that name, and the connection goes to
    /// `TransportSettings.connectTo`.
    var requestBase: String {
        guard let serverName, let (scheme, authority, path) = serverParts else { return server }
        let port = authority.split(separator: ":").last.map(String.init) ?? "443"
        return "\(scheme)://\(serverName):\(port)\(path)"
    }

    /// Scheme, "HOST:PORT" and path of the server's URL.
    private var serverParts: (scheme: String, authority: String, path: String)? {
        guard let url = URLComponents(string: server), let scheme = url.scheme, let host = url.host else { return nil }
        let bracketed = host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
        return (scheme, "\(bracketed):\(url.port ?? (scheme == "http" ? 80 : 443))", url.path)
    }
}

/// A cluster that cannot be reached because of how access to it is configured.
public struct AccessError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: Sendable, Hashable {
        /// A file cannot be read.
        case unreadable
        /// A file or key holds something else than was expected.
        case malformed
        /// A context, cluster, user or variable is named or needed and is not there.
        case missing
        /// This client does not do what is asked for.
        case unsupported
        /// The credential plugin failed.
        case plugin
    }

    /// What is wrong.
    public let code: Code
    /// The file, key or variable at fault.
    public let place: String
    /// What is wrong and what was expected.
    public let message: String

    /// "PLACE: MESSAGE".
    public var description: String { "\(place): \(message)" }
}
