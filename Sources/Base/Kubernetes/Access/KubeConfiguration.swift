import Foundation
import HTTP
import JSON
import Yams

/// One or more kubeconfig files, merged: of entries with one name, and of current contexts, the first counts.
///
/// https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
struct KubeConfiguration {
    private var clusters: [String: (entry: Cluster, file: String)] = [:]
    private var users: [String: (entry: User, file: String)] = [:]
    private var contexts: [String: (entry: Context, file: String)] = [:]
    /// What clusters say to exec plugins, by the cluster's name: of any form.
    private var pluginSettings: [String: JSONValue] = [:]
    private var currentContext: String?
    private let paths: [String]

    /// Reads the files at `paths`. Of several, those that do not exist are skipped.
    init(paths: [String]) throws {
        self.paths = paths
        var found = false
        for path in paths {
            guard let data = FileManager.default.contents(atPath: path) else {
                if paths.count > 1 { continue }
                throw AccessError(code: .unreadable, place: path, message: "the kubeconfig cannot be read")
            }
            found = true
            let document: Document
            let tree: JSONValue
            do {
                document = try YAMLDecoder().decode(Document.self, from: data)
                let root = try Yams.compose(yaml: String(decoding: data, as: UTF8.self))
                tree = try root.map { try JSONValue(yaml: $0, place: path) } ?? .null
            } catch {
                throw AccessError(code: .malformed, place: path, message: "not a kubeconfig: \(Self.explain(error))")
            }
            for (index, named) in (document.clusters ?? []).enumerated() where clusters[named.name] == nil {
                clusters[named.name] = (named.cluster, path)
                pluginSettings[named.name] =
                    tree["clusters"]?.array?[index]["cluster"]?["extensions"]?.array?
                    .first { $0["name"] == "client.authentication.k8s.io/exec" }?["extension"]
            }
            for named in document.users ?? [] where users[named.name] == nil {
                users[named.name] = (named.user ?? User(), path)
            }
            for named in document.contexts ?? [] where contexts[named.name] == nil {
                contexts[named.name] = (named.context, path)
            }
            if currentContext == nil, let current = document.currentContext, !current.isEmpty {
                currentContext = current
            }
        }
        guard found else {
            throw AccessError(
                code: .unreadable, place: paths.joined(separator: ":"),
                message: "none of the kubeconfig files can be read")
        }
    }

    /// The access that `context`, or the current context, describes.
    func access(context name: String?) throws -> ClusterAccess {
        let place = paths.joined(separator: ":")
        guard let name = name ?? currentContext else {
            throw AccessError(
                code: .missing, place: place, message: "current-context is not set and no context was named")
        }
        guard let (context, contextFile) = contexts[name] else {
            throw AccessError(
                code: .missing, place: place,
                message: "there is no context \"\(name)\", only \(Self.list(contexts.keys))")
        }
        guard let (cluster, clusterFile) = clusters[context.cluster] else {
            throw AccessError(
                code: .missing, place: "\(contextFile), contexts[\(name)].cluster",
                message: "there is no cluster \"\(context.cluster)\", only \(Self.list(clusters.keys))")
        }
        let prefix = "\(clusterFile), clusters[\(context.cluster)]"
        guard let url = URLComponents(string: cluster.server), url.scheme == "https" || url.scheme == "http",
            url.host?.isEmpty == false
        else {
            throw AccessError(
                code: .malformed, place: "\(prefix).server",
                message: "\"\(cluster.server)\" is not an http or https URL")
        }
        var access = ClusterAccess(server: cluster.server)
        access.certificateAuthority = try Self.source(
            data: cluster.certificateAuthorityData, path: cluster.certificateAuthority, relativeTo: clusterFile,
            place: "\(prefix).certificate-authority")
        access.skipsVerification = cluster.insecureSkipTLSVerify ?? false
        access.serverName = cluster.tlsServerName
        access.proxy = cluster.proxyURL
        if let namespace = context.namespace, !namespace.isEmpty { access.namespace = namespace }
        if let userName = context.user, !userName.isEmpty {
            guard let (user, userFile) = users[userName] else {
                throw AccessError(
                    code: .missing, place: "\(contextFile), contexts[\(name)].user",
                    message: "there is no user \"\(userName)\", only \(Self.list(users.keys))")
            }
            try Self.apply(user, named: userName, file: userFile, to: &access)
            if let settings = user.exec, access.token == nil {
                // As in client-go, a token that is given wins over the plugin.
                access.token = .plugin(
                    try plugin(
                        settings, cluster: context.cluster, place: "\(userFile), users[\(userName)].exec",
                        file: userFile))
            }
        }
        return access
    }

    private static func apply(
        _ user: User, named name: String, file: String, to access: inout ClusterAccess
    ) throws {
        let prefix = "\(file), users[\(name)]"
        guard user.authProvider == nil else {
            throw AccessError(
                code: .unsupported, place: "\(prefix).auth-provider",
                message: "auth providers were removed in Kubernetes 1.26: name the provider's exec plugin instead")
        }
        guard user.username == nil, user.password == nil else {
            throw AccessError(
                code: .unsupported, place: "\(prefix).username",
                message: "basic authentication was removed in Kubernetes 1.19: use a client certificate, a token or an "
                    + "exec plugin")
        }
        guard user.impersonation == nil else {
            throw AccessError(
                code: .unsupported, place: "\(prefix).as",
                message: "impersonation is not supported: name a user with the rights needed")
        }
        access.clientCertificate = try source(
            data: user.clientCertificateData, path: user.clientCertificate, relativeTo: file,
            place: "\(prefix).client-certificate")
        access.clientKey = try source(
            data: user.clientKeyData, path: user.clientKey, relativeTo: file, place: "\(prefix).client-key")
        guard (access.clientCertificate == nil) == (access.clientKey == nil) else {
            throw AccessError(
                code: .malformed, place: prefix, message: "client-certificate and client-key must be given together")
        }
        // As in client-go, the file wins over the token itself.
        if let path = user.tokenFile, !path.isEmpty {
            access.token = .file(absolute(path, relativeTo: file))
        } else if let token = user.token, !token.isEmpty {
            access.token = .fixed(token)
        }
    }

    private func plugin(_ settings: Exec, cluster: String, place: String, file: String) throws -> ExecPlugin {
        guard ExecPlugin.apiVersions.contains(settings.apiVersion) else {
            throw AccessError(
                code: .unsupported, place: "\(place).apiVersion",
                message:
                    "\(settings.apiVersion) is not supported, only \(ExecPlugin.apiVersions.joined(separator: " and "))"
            )
        }
        guard settings.interactiveMode != "Always" else {
            throw AccessError(
                code: .unsupported, place: "\(place).interactiveMode",
                message: "a plugin that needs a terminal cannot be used here")
        }
        // A path is relative to the file; a name is looked for along PATH.
        let command =
            settings.command.contains("/") ? Self.absolute(settings.command, relativeTo: file) : settings.command
        var plugin = ExecPlugin(apiVersion: settings.apiVersion, command: command)
        plugin.arguments = settings.args ?? []
        plugin.environment = (settings.env ?? []).map { ExecPlugin.Variable(name: $0.name, value: $0.value) }
        plugin.installHint = settings.installHint
        plugin.providesClusterInfo = settings.provideClusterInfo ?? false
        plugin.clusterConfiguration = pluginSettings[cluster]?.bytes
        return plugin
    }

    /// Inline data wins over a path, as in client-go.
    private static func source(
        data: String?, path: String?, relativeTo file: String, place: String
    ) throws -> PEMSource? {
        if let data, !data.isEmpty {
            guard let bytes = Data(base64Encoded: data, options: .ignoreUnknownCharacters), !bytes.isEmpty else {
                throw AccessError(code: .malformed, place: "\(place)-data", message: "not valid base64")
            }
            return .inline(Array(bytes))
        }
        guard let path, !path.isEmpty else { return nil }
        let resolved = absolute(path, relativeTo: file)
        guard FileManager.default.isReadableFile(atPath: resolved) else {
            throw AccessError(code: .unreadable, place: place, message: "the file \(resolved) cannot be read")
        }
        return .file(resolved)
    }

    private static func absolute(_ path: String, relativeTo file: String) -> String {
        path.hasPrefix("/") ? path : URL(fileURLWithPath: file).deletingLastPathComponent().path + "/" + path
    }

    private static func list(_ names: some Sequence<String>) -> String {
        let sorted = names.sorted()
        return sorted.isEmpty ? "none" : sorted.map { "\"\($0)\"" }.joined(separator: ", ")
    }

    private static func explain(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        let context: DecodingError.Context? =
            switch error {
            case .dataCorrupted(let context), .keyNotFound(_, let context), .typeMismatch(_, let context),
                .valueNotFound(_, let context):
                context
            @unknown default: nil
            }
        guard let context else { return "\(error)" }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }
}

extension KubeConfiguration {
    private struct Document: Decodable {
        var clusters: [NamedCluster]?
        var users: [NamedUser]?
        var contexts: [NamedContext]?
        var currentContext: String?

        enum CodingKeys: String, CodingKey {
            case clusters, users, contexts
            case currentContext = "current-context"
        }
    }

    private struct NamedCluster: Decodable {
        var name: String
        var cluster: Cluster
    }

    private struct NamedUser: Decodable {
        var name: String
        var user: User?
    }

    private struct NamedContext: Decodable {
        var name: String
        var context: Context
    }

    private struct Cluster: Decodable {
        var server: String
        var certificateAuthority: String?
        var certificateAuthorityData: String?
        var insecureSkipTLSVerify: Bool?
        var tlsServerName: String?
        var proxyURL: String?

        enum CodingKeys: String, CodingKey {
            case server
            case certificateAuthority = "certificate-authority"
            case certificateAuthorityData = "certificate-authority-data"
            case insecureSkipTLSVerify = "insecure-skip-tls-verify"
            case tlsServerName = "tls-server-name"
            case proxyURL = "proxy-url"
        }
    }

    private struct User: Decodable {
        var clientCertificate: String?
        var clientCertificateData: String?
        var clientKey: String?
        var clientKeyData: String?
        var token: String?
        var tokenFile: String?
        var username: String?
        var password: String?
        var impersonation: String?
        var exec: Exec?
        var authProvider: Presence?

        enum CodingKeys: String, CodingKey {
            case clientCertificate = "client-certificate"
            case clientCertificateData = "client-certificate-data"
            case clientKey = "client-key"
            case clientKeyData = "client-key-data"
            case token, tokenFile, username, password, exec
            case impersonation = "as"
            case authProvider = "auth-provider"
        }
    }

    private struct Context: Decodable {
        var cluster: String
        var user: String?
        var namespace: String?
    }

    private struct Exec: Decodable {
        var apiVersion: String
        var command: String
        var args: [String]?
        var env: [Variable]?
        var installHint: String?
        var provideClusterInfo: Bool?
        var interactiveMode: String?

        struct Variable: Decodable {
            var name: String
            var value: String
        }
    }

    /// A key whose value does not matter.
    private struct Presence: Decodable {
        init(from decoder: any Decoder) throws {}
    }
}
