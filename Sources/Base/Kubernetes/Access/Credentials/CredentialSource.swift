import Foundation
import HTTP

/// How one request proves who sends it.
struct Credential: Sendable, Hashable {
    /// The value of the Authorization header; `nil` without a token.
    var authorization: String?
    /// Where a plugin brought a client certificate: it in place of the client's own; `nil` otherwise.
    var settings: TransportSettings?
}

/// Keeps the credentials of one client fresh: a token file is read for each request, a plugin runs when what it brought
/// has expired or was refused, once however many requests wait for it.
actor CredentialSource {
    private let access: ClusterAccess
    private var brought: PluginCredential?
    private var running: Task<PluginCredential, any Error>?

    init(access: ClusterAccess) {
        self.access = access
    }

    /// The credentials for a request that is sent now.
    /// - Throws: `AccessError` where a file cannot be read or the plugin fails; `CancellationError`.
    func current() async throws -> Credential {
        switch access.token {
        case nil: return Credential()
        case .fixed(let token): return Credential(authorization: "Bearer \(token)")
        case .file(let path):
            guard let text = try? String(contentsOfFile: path, encoding: .utf8), !text[...].trimmed.isEmpty else {
                throw AccessError(code: .unreadable, place: path, message: "the token file is empty or cannot be read")
            }
            return Credential(authorization: "Bearer \(text[...].trimmed)")
        case .plugin(let plugin):
            if let brought, !brought.isExpired(at: .now) { return credential(brought) }
            return credential(try await run(plugin))
        }
    }

    /// Gets other credentials than those that the server refused.
    /// - Returns: whether there are any.
    func renew(after refused: Credential) async -> Bool {
        if case .plugin = access.token, let brought, credential(brought) == refused { self.brought = nil }
        guard let fresh = try? await current() else { return false }
        return fresh != refused
    }

    private func run(_ plugin: ExecPlugin) async throws -> PluginCredential {
        if let running { return try await running.value }
        let task = Task { [access] in try await plugin.run(for: access) }
        running = task
        defer { running = nil }
        let fresh = try await task.value
        brought = fresh
        return fresh
    }

    private func credential(_ brought: PluginCredential) -> Credential {
        var credential = Credential(authorization: brought.token.map { "Bearer \($0)" })
        if let certificate = brought.certificate, let key = brought.key {
            var settings = access.transportSettings
            settings.clientCertificate = .inline(certificate)
            settings.clientKey = .inline(key)
            credential.settings = settings
        }
        return credential
    }
}
