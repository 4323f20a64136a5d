import Foundation
import HTTP
import JSON

/// A program that brings credentials, as a kubeconfig's `exec` names it
/// (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins).
public struct ExecPlugin: Sendable, Hashable {
    /// The versions of the protocol that are spoken.
    public static let apiVersions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]

    /// A variable that the program finds in its environment besides this process' own.
    public struct Variable: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// Its value.
        public var value: String
        /// A variable and its value.
        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// One of `apiVersions`.
    public var apiVersion: String
    /// The program's path, or its name, which is then looked up in `PATH`.
    public var command: String
    /// Its arguments.
    public var arguments: [String] = []
    /// What it finds in its environment; of a repeated name the last counts.
    public var environment: [Variable] = []
    /// What to tell people who do not have the program.
    public var installHint: String?
    /// Whether it is told about the cluster.
    public var providesClusterInfo = false
    /// The cluster's own settings for the plugin, as JSON text; part of what it is told.
    public var clusterConfiguration: [UInt8]?
    /// Seconds that it may take.
    public var timeout = 60.0

    /// A program without arguments.
    public init(apiVersion: String, command: String) {
        self.apiVersion = apiVersion
        self.command = command
    }
}

/// What a plugin brought.
struct PluginCredential: Sendable, Hashable {
    var token: String?
    var certificate: [UInt8]?
    var key: [UInt8]?
    var expiration: Timestamp?

    func isExpired(at moment: Timestamp) -> Bool { expiration.map { $0 <= moment } ?? false }
}

extension ExecPlugin {
    /// What the program reads from `KUBERNETES_EXEC_INFO`.
    func information(for access: ClusterAccess) throws -> JSONValue {
        var specification: JSONValue = ["interactive": false]
        if providesClusterInfo {
            var cluster: JSONValue = ["server": .string(access.server)]
            if let name = access.serverName { cluster["tls-server-name"] = .string(name) }
            if access.skipsVerification { cluster["insecure-skip-tls-verify"] = true }
            if let proxy = access.proxy { cluster["proxy-url"] = .string(proxy) }
            switch access.certificateAuthority {
            case nil: break
            case .inline(let bytes):
                cluster["certificate-authority-data"] = .string(Data(bytes).base64EncodedString())
            case .file(let path):
                guard let data = FileManager.default.contents(atPath: path) else {
                    throw AccessError(
                        code: .unreadable, place: path, message: "the certificate authority's file cannot be read")
                }
                cluster["certificate-authority-data"] = .string(data.base64EncodedString())
            }
            if let clusterConfiguration { cluster["config"] = try JSONValue(parsing: clusterConfiguration) }
            specification["cluster"] = cluster
        }
        return ["apiVersion": .string(apiVersion), "kind": "ExecCredential", "spec": specification]
    }

    /// Reads what the program printed: an `ExecCredential` of the version that was asked for.
    /// - Throws: `AccessError`.
    func parse(_ output: [UInt8]) throws -> PluginCredential {
        func failure(_ message: String) -> AccessError {
            AccessError(code: .plugin, place: "exec plugin \(command)", message: message)
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: output)
        } catch {
            throw failure("its output is not an ExecCredential: \(error)")
        }
        guard value["kind"]?.string == "ExecCredential", value["apiVersion"]?.string == apiVersion else {
            throw failure(
                "its output is of kind \(value["kind"]?.string ?? "nothing") in "
                    + "\(value["apiVersion"]?.string ?? "no version"), not an ExecCredential of \(apiVersion)")
        }
        func text(_ key: String) -> String? { value["status"]?[key]?.string.flatMap { $0.isEmpty ? nil : $0 } }
        var credential = PluginCredential()
        credential.token = text("token")
        credential.certificate = text("clientCertificateData").map { Array($0.utf8) }
        credential.key = text("clientKeyData").map { Array($0.utf8) }
        guard (credential.certificate == nil) == (credential.key == nil) else {
            throw failure("it brought a client certificate without its key, or a key without its certificate")
        }
        guard credential.token != nil || credential.certificate != nil else {
            throw failure("it brought neither a token nor a client certificate")
        }
        if let moment = text("expirationTimestamp") {
            guard let expiration = Timestamp(parsing: moment) else {
                throw failure("its expirationTimestamp \"\(moment)\" is not a time as RFC 3339 writes it")
            }
            credential.expiration = expiration
        }
        return credential
    }
}
