import Foundation

/// Writes a kubeconfig that names an API server.
/// - Returns: its path.
public func writeKubeconfig(server: String) throws -> String {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("kubeconfig-\(UUID().uuidString)")
    try """
    apiVersion: v1
    kind: Config
    current-context: c
    contexts: [{name: c, context: {cluster: k, user: u}}]
    clusters: [{name: k, cluster: {server: "\(server)"}}]
    users: [{name: u, user: {token: t}}]
    """.write(to: file, atomically: true, encoding: .utf8)
    return file.path
}
