import Foundation
import Glibc
import HTTP
import Testing

private func command(_ name: String) -> String? {
    ["/usr/sbin", "/usr/bin", "/usr/local/bin"].map { "\($0)/\(name)" }
        .first { FileManager.default.isExecutableFile(atPath: $0) }
}

/// The words of each line of a file that may be missing.
private func lines(_ path: String) -> [[String]] {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
}

/// nginx with TLS and HTTP/2. It notes of every request the protocol and the connection that it came by.
private final class Nginx {
    let folder: TemporaryFolder
    let port: Int
    private let process = Process()

    init(http2: Bool) throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        port = try #require(freePort())
        _ = try folder.write(String(repeating: "x", count: 4 << 20), to: "large")
        _ = try folder.write("small", to: "small")
        let make = Process()
        make.executableURL = URL(fileURLWithPath: command("openssl") ?? "")
        make.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        make.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key", "-out",
            "crt", "-subj", "/CN=x", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
        ]
        make.standardError = FileHandle.nullDevice
        try make.run()
        make.waitUntilExit()
        let configuration = try folder.write(
            """
            daemon off; master_process off; pid \(folder.path)/pid; error_log \(folder.path)/errors;
            events {}
            http {
              log_format seen "$server_protocol $connection $uri";
              access_log \(folder.path)/seen seen;
              client_body_temp_path \(folder.path)/a; proxy_temp_path \(folder.path)/b;
              fastcgi_temp_path \(folder.path)/c; uwsgi_temp_path \(folder.path)/d; scgi_temp_path \(folder.path)/e;
              server {
                listen 127.0.0.1:\(port) ssl\(http2 ? " http2" : "");
                ssl_certificate \(folder.path)/crt; ssl_certificate_key \(folder.path)/key;
                root \(folder.path);
              }
            }
            """, to: "conf")
        process.executableURL = URL(fileURLWithPath: command("nginx") ?? "")
        process.arguments = ["-e", "\(folder.path)/errors", "-c", configuration]
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    var url: String { "https://127.0.0.1:\(port)" }

    /// Protocol, connection and path of each request that is done.
    var seen: [[String]] { lines(folder.path + "/seen") }

    func client() throws -> HTTPClient {
        var settings = TransportSettings()
        settings.certificateAuthority = .file(folder.path + "/crt")
        return try HTTPClient(settings: settings)
    }

    /// Waits until it serves.
    func start(_ client: HTTPClient) async throws {
        let isUp = try await eventually { [url] in
            (try? await client.send(HTTPRequest(url: url + "/small", timeout: 5), maximumBytes: 100)) != nil
        }
        try #require(isUp, "\((try? String(contentsOfFile: folder.path + "/errors", encoding: .utf8)) ?? "")")
    }
}

@Suite(.enabled(if: command("nginx") != nil && command("openssl") != nil, "nginx and openssl are not both installed"))
struct HTTP2Tests {
    @Test func speaksHTTP2WhereTheServerDoes() async throws {
        for isOffered in [true, false] {
            let server = try Nginx(http2: isOffered)
            let client = try server.client()
            try await server.start(client)
            let url = server.url
            try await withThrowingTaskGroup(of: HTTPResponse.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await client.send(HTTPRequest(url: url + "/large", timeout: 60), maximumBytes: 8 << 20)
                    }
                }
                for try await response in group {
                    #expect(response.body.count == 4 << 20)
                    #expect(response.version == (isOffered ? "2" : "1.1"))
                }
            }
            let log = server.folder.path + "/seen"
            let isLogged = try await eventually { lines(log).count >= 21 }
            #expect(isLogged)
            let large = server.seen.filter { $0[2] == "/large" }
            #expect(Set(large.map { $0[0] }) == [isOffered ? "HTTP/2.0" : "HTTP/1.1"])
            // The requests share the connection that is open already.
            if isOffered { #expect(Set(large.map { $0[1] }).count == 1) }
        }
    }

    /// What goes on for long has a connection to itself, so that a reader who stops cannot hold up the rest.
    @Test func aLongRequestHoldsUpNoOther() async throws {
        let server = try Nginx(http2: true)
        let client = try server.client()
        try await server.start(client)
        var watch = HTTPRequest(url: server.url + "/large", timeout: 60)
        watch.isLongLived = true
        var watching = client.stream(watch).makeAsyncIterator()
        guard case .head(let head)? = try await watching.next() else { throw POSIXError(.ECONNRESET) }
        #expect(head.version == "1.1" && head.status == 200)
        for _ in 0..<5 {
            let reply = try await client.send(
                HTTPRequest(url: server.url + "/large", timeout: 60), maximumBytes: 8 << 20)
            #expect(reply.version == "2")
        }
        var read = 0
        while case .data(let bytes)? = try await watching.next() { read += bytes.count }
        #expect(read == 4 << 20)
        let log = server.folder.path + "/seen"
        let isLogged = try await eventually { lines(log).contains { $0[0] == "HTTP/1.1" } }
        #expect(isLogged)
        let connections = Dictionary(grouping: server.seen) { $0[0] }.mapValues { Set($0.map { $0[1] }) }
        #expect(connections["HTTP/1.1"]?.count == 1 && connections["HTTP/2.0"]?.count == 1)
        #expect(connections["HTTP/1.1"]?.isDisjoint(with: connections["HTTP/2.0"] ?? []) == true)
    }
}
