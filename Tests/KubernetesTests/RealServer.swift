import Foundation
import Glibc
import HTTP
import Kubernetes
import Synchronization
import Testing

/// A port of 127.0.0.1 below those that the system hands out, so that nobody gets it before it is used.
func freePort() -> Int? {
    for _ in 0..<100 {
        let port = 20_000 + triedPorts.add(1, ordering: .relaxed).newValue % 10_000
        let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(probe) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isFree = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(probe, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if isFree { return port }
    }
    return nil
}

private let triedPorts = Atomic(Int(getpid()))

/// An API server with its etcd and nothing else: objects stay as they are written, and no pod ever runs.
final class RealServer {
    private static let apiserver: String? = {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["BERTH_TESTBED_HOME"] ?? (environment["HOME"] ?? "") + "/.cache/berth-testbed"
        return [home + "/bin/kube-apiserver"].first { FileManager.default.isExecutableFile(atPath: $0) }
    }()
    private static let etcd = ["/usr/bin/etcd", "/usr/local/bin/etcd"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }
    /// Whether both programs are on this machine; `scripts/setup.sh --test` sees to it.
    static let isInstalled = apiserver != nil && etcd != nil

    let folder: TemporaryFolder
    let access: ClusterAccess
    private var processes: [Process] = []

    init() throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        let ports = try (0..<3).map { _ in try #require(freePort()) }
        access = {
            var access = ClusterAccess(server: "https://127.0.0.1:\(ports[2])")
            access.certificateAuthority = .file(folder.path + "/apiserver.crt")
            access.token = .fixed("secret")
            return access
        }()
        _ = try folder.write("secret,admin,1,system:masters\n", to: "tokens.csv")
        try run(
            "/usr/bin/openssl", ["genpkey", "-algorithm", "RSA", "-out", "\(folder.path)/sa.key"]
        ).waitUntilExit()
        processes.append(
            try run(
                Self.etcd ?? "",
                [
                    "--data-dir", "\(folder.path)/etcd", "--listen-client-urls", "http://127.0.0.1:\(ports[0])",
                    "--advertise-client-urls", "http://127.0.0.1:\(ports[0])", "--listen-peer-urls",
                    "http://127.0.0.1:\(ports[1])",
                ]))
        processes.append(
            try run(
                Self.apiserver ?? "",
                [
                    "--etcd-servers=http://127.0.0.1:\(ports[0])", "--secure-port=\(ports[2])",
                    "--bind-address=127.0.0.1", "--cert-dir=\(folder.path)",
                    "--token-auth-file=\(folder.path)/tokens.csv",
                    "--service-account-key-file=\(folder.path)/sa.key",
                    "--service-account-signing-key-file=\(folder.path)/sa.key",
                    "--service-account-issuer=https://kubernetes.default.svc", "--authorization-mode=RBAC",
                    // Nobody makes service accounts here.
                    "--disable-admission-plugins=ServiceAccount", "--service-cluster-ip-range=10.96.0.0/16",
                ]))
    }

    deinit {
        for process in processes {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    private func run(_ program: String, _ arguments: [String]) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: try folder.write("", to: "log")))
        try process.run()
        return process
    }

    /// The client, once the server is ready.
    func client() async throws -> APIClient {
        let client = try APIClient(access: access)
        var isReady = false
        for _ in 0..<4 where !isReady {
            isReady = try await eventually {
                guard (try? await client.request(.get, "/readyz", timeout: 5)) != nil else { return false }
                return (try? await client.get(Namespace.self, "default", namespace: nil)) != nil
            }
        }
        let log = (try? String(contentsOfFile: folder.path + "/log", encoding: .utf8)) ?? ""
        try #require(isReady, "\(log.suffix(2_000))")
        return client
    }
}
