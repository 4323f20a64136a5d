import Foundation
import Glibc
import HTTP
import Kubernetes
import Testing

private let openssl = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

/// A TLS server by the openssl command that asks for a client certificate. Its own certificate is for the name
/// "kubernetes" alone.
private final class TLSServer {
    let folder: TemporaryFolder
    let port: Int
    private let process = Process()

    init() throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        func run(_ arguments: [String]) throws { try Self.run(arguments, in: folder.path) }
        _ = try folder.write(#"{"major":"1"}"#, to: "version")
        _ = try folder.write("subjectAltName=DNS:kubernetes", to: "names")
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        // A name of its own: OpenSSL looks authorities up by theirs.
        try run(
            ["req", "-x509"] + key
                + ["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=\(UUID().uuidString)", "-days", "2"])
        for name in ["server", "client"] {
            try run(["req"] + key + ["-keyout", "\(name).key", "-out", "\(name).csr", "-subj", "/CN=\(name)"])
            try run([
                "x509", "-req", "-in", "\(name).csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "2", "-extfile", "names", "-out", "\(name).crt",
            ])
        }
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: openssl ?? "")
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.arguments = [
            "s_server", "-accept", "127.0.0.1:0", "-cert", "server.crt", "-key", "server.key", "-CAfile", "ca.crt",
            "-Verify", "1", "-verify_return_error", "-WWW",
        ]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var text = ""
        var found: Int?
        while found == nil {
            let data = output.fileHandleForReading.availableData
            guard !data.isEmpty else { throw POSIXError(.ECONNREFUSED) }
            text += String(decoding: data, as: UTF8.self)
            if let line = text.split(separator: "\n").first(where: { $0.hasPrefix("ACCEPT ") }), text.hasSuffix("\n") {
                found = line.split(separator: ":").last.flatMap { Int($0) }
            }
        }
        port = found ?? 0
    }

    deinit {
        // Not SIGTERM: a child starts with the blocked signals of the thread that made it.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    private static func run(_ arguments: [String], in folder: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: openssl ?? "")
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw POSIXError(.EINVAL) }
    }

    func inline(_ name: String) throws -> PEMSource {
        .inline(Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/\(name)"))))
    }

    /// A folder with this server's authority, named as OpenSSL looks it up.
    func authorityFolder() throws -> String {
        let authorities = folder.path + "/authorities"
        try FileManager.default.createDirectory(atPath: authorities, withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: folder.path + "/ca.crt", toPath: authorities + "/ca.crt")
        try Self.run(["rehash", "authorities"], in: folder.path)
        return authorities
    }

    func file(_ name: String) -> PEMSource { .file("\(folder.path)/\(name)") }
}

@Suite(.enabled(if: openssl != nil, "the openssl command is not installed"), .serialized)
struct TLSTests {
    private func version(_ access: ClusterAccess) async throws -> String {
        String(decoding: try await APIClient(access: access).request(.get, "/version", timeout: 10).body, as: UTF8.self)
    }

    @Test func provesAndChecksIdentity() async throws {
        let server = try TLSServer()
        var access = ClusterAccess(server: "https://127.0.0.1:\(server.port)")
        access.serverName = "kubernetes"
        access.certificateAuthority = try server.inline("ca.crt")
        access.clientCertificate = try server.inline("client.crt")
        access.clientKey = try server.inline("client.key")
        #expect(try await version(access) == #"{"major":"1"}"#)

        access.certificateAuthority = server.file("ca.crt")
        access.clientCertificate = server.file("client.crt")
        access.clientKey = server.file("client.key")
        #expect(try await version(access) == #"{"major":"1"}"#)

        // The certificate is not for the address.
        var byAddress = access
        byAddress.serverName = nil
        await #expect(throws: APIError.self) { try await version(byAddress) }
        byAddress.skipsVerification = true
        #expect(try await version(byAddress) == #"{"major":"1"}"#)

        var untrusted = access
        untrusted.certificateAuthority = nil
        await #expect(throws: APIError.self) { try await version(untrusted) }

        var anonymous = access
        anonymous.clientCertificate = nil
        anonymous.clientKey = nil
        await #expect(throws: APIError.self) { try await version(anonymous) }
    }

    /// An authority that the system trusts as well must not sign for a cluster that names its own.
    @Test func trustsOnlyTheClustersAuthority() async throws {
        let (server, other) = (try TLSServer(), try TLSServer())
        var settings = TransportSettings()
        settings.clientCertificate = server.file("client.crt")
        settings.clientKey = server.file("client.key")
        settings.connectTo = "127.0.0.1:\(server.port)"
        settings.systemAuthorities = try server.authorityFolder()
        let request = HTTPRequest(url: "https://kubernetes:\(server.port)/version", timeout: 10)
        let client = try HTTPClient()
        func status(_ settings: TransportSettings) async throws -> Int? {
            for try await event in client.stream(request, settings: settings) {
                if case .head(let head) = event { return head.status }
            }
            return nil
        }
        #expect(try await status(settings) == 200, "the system's authorities are trusted where none is given")
        for authority in [other.file("ca.crt"), try other.inline("ca.crt")] {
            settings.certificateAuthority = authority
            // libcurl's CURLE_PEER_FAILED_VERIFICATION.
            let error = await #expect(throws: TransportError.self) { try await status(settings) }
            #expect(error?.code == 60)
        }
        settings.certificateAuthority = server.file("ca.crt")
        #expect(try await status(settings) == 200)
    }

    /// A proxy that lets the client through says so with a status of its own, before the server has said anything.
    @Test func doesNotTakeAProxysReplyForTheServers() async throws {
        let proxy = try ScriptedServer { _, _ in
            [.send(Array("HTTP/1.1 200 Connection established\r\n\r\n".utf8))]
        }
        var settings = TransportSettings()
        settings.proxy = proxy.url
        let client = try HTTPClient(settings: settings)
        let request = HTTPRequest(url: "https://cluster/version", timeout: 10)
        var received = 0
        await #expect(throws: TransportError.self) { for try await _ in client.stream(request) { received += 1 } }
        #expect(received == 0)
        #expect(proxy.requests.map(\.method) == ["CONNECT"])
    }

    /// A plugin may bring a client certificate in place of a token.
    @Test func showsTheCertificateOfAPlugin() async throws {
        let server = try TLSServer()
        var access = ClusterAccess(server: "https://127.0.0.1:\(server.port)")
        access.serverName = "kubernetes"
        access.certificateAuthority = server.file("ca.crt")
        let script = try server.folder.write(
            """
            #!/bin/sh
            cd '\(server.folder.path)'
            escape() { awk '{printf "%s\\\\n", $0}' "$1"; }
            printf '%s\n' "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1beta1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{"
            printf '%s' "\\"clientCertificateData\\":\\"$(escape client.crt)\\",\\"clientKeyData\\":\\"$(escape client.key)\\"}}"
            """, to: "plugin")
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
        access.token = .plugin(ExecPlugin(apiVersion: "client.authentication.k8s.io/v1beta1", command: script))
        #expect(try await version(access) == #"{"major":"1"}"#)
    }
}
