import Foundation
import HTTP
import Kubernetes
import Testing

@Suite struct ClusterAccessTests {
    private static let kubeconfig = """
        apiVersion: v1
        kind: Config
        current-context: first
        clusters:
        - name: inline
          cluster: {server: "https://10.0.0.1:6443/", certificate-authority-data: Y2E=, tls-server-name: kubernetes}
        - name: files
          cluster: {server: "https://example.org", certificate-authority: pki/ca.crt, proxy-url: "http://proxy:3128"}
        - name: open
          cluster:
            server: "http://127.0.0.1:8001"
            insecure-skip-tls-verify: true
            extensions:
            - {name: other, extension: 1}
            - {name: client.authentication.k8s.io/exec, extension: {audience: [a, 1]}}
        users:
        - name: inline
          user: {client-certificate-data: Y2VydA==, client-key-data: a2V5}
        - name: token
          user: {token: secret}
        - name: rotating
          user: {token: stale, tokenFile: token}
        - name: plugin
          user:
            exec:
              apiVersion: client.authentication.k8s.io/v1
              command: bin/login
              args: [token, --cluster, "8"]
              env: [{name: REGION, value: "7"}]
              installHint: Ask for it.
              provideClusterInfo: true
              interactiveMode: IfAvailable
        - name: both
          user: {token: given, exec: {apiVersion: client.authentication.k8s.io/v1, command: login, env: null}}
        - name: old
          user: {exec: {command: aws, apiVersion: client.authentication.k8s.io/v1alpha1}}
        - name: terminal
          user: {exec: {command: aws, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}}
        - name: provider
          user: {auth-provider: {name: gcp}}
        - name: basic
          user: {username: admin, password: secret}
        - name: impersonating
          user: {token: secret, as: admin}
        - name: half
          user: {client-certificate-data: Y2VydA==}
        contexts:
        - name: first
          context: {cluster: inline, user: inline}
        - name: second
          context: {cluster: files, user: rotating, namespace: prod}
        - name: third
          context: {cluster: open, user: token}
        - name: plugin
          context: {cluster: open, user: plugin}
        - name: both
          context: {cluster: open, user: both}
        - name: old
          context: {cluster: open, user: old}
        - name: terminal
          context: {cluster: open, user: terminal}
        - name: provider
          context: {cluster: open, user: provider}
        - name: basic
          context: {cluster: open, user: basic}
        - name: impersonating
          context: {cluster: open, user: impersonating}
        - name: half
          context: {cluster: open, user: half}
        - name: nobody
          context: {cluster: open, user: ghost}
        - name: nowhere
          context: {cluster: ghost, user: token}
        """

    private func folder() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        _ = try folder.write(Self.kubeconfig, to: "config")
        try FileManager.default.createDirectory(atPath: folder.path + "/pki", withIntermediateDirectories: true)
        _ = try folder.write("CA", to: "pki/ca.crt")
        _ = try folder.write("fresh\n", to: "token")
        return folder
    }

    @Test func readsInlineData() throws {
        let folder = try folder()
        let access = try ClusterAccess.discover(kubeconfig: folder.path + "/config", environment: [:])
        #expect(access.server == "https://10.0.0.1:6443")
        #expect(access.certificateAuthority == .inline(Array("ca".utf8)))
        #expect(access.clientCertificate == .inline(Array("cert".utf8)))
        #expect(access.clientKey == .inline(Array("key".utf8)))
        #expect(access.serverName == "kubernetes")
        #expect(access.token == nil && !access.skipsVerification && access.namespace == "default")
    }

    @Test func resolvesPathsAgainstTheFile() throws {
        let folder = try folder()
        let access = try ClusterAccess.discover(
            kubeconfig: folder.path + "/config", context: "second", environment: [:])
        #expect(access.certificateAuthority == .file(folder.path + "/pki/ca.crt"))
        #expect(access.token == .file(folder.path + "/token"))
        #expect(access.namespace == "prod")
        #expect(access.proxy == "http://proxy:3128")
        let third = try ClusterAccess.discover(kubeconfig: folder.path + "/config", context: "third", environment: [:])
        #expect(third.token == .fixed("secret") && third.skipsVerification)
    }

    @Test func readsAPlugin() throws {
        let folder = try folder()
        let access = try ClusterAccess.discover(
            kubeconfig: folder.path + "/config", context: "plugin", environment: [:])
        var expected = ExecPlugin(
            apiVersion: "client.authentication.k8s.io/v1", command: folder.path + "/bin/login")
        expected.arguments = ["token", "--cluster", "8"]
        expected.environment = [.init(name: "REGION", value: "7")]
        expected.installHint = "Ask for it."
        expected.providesClusterInfo = true
        expected.clusterConfiguration = Array(#"{"audience":["a",1]}"#.utf8)
        #expect(access.token == .plugin(expected))
        let both = try ClusterAccess.discover(kubeconfig: folder.path + "/config", context: "both", environment: [:])
        #expect(both.token == .fixed("given"))
    }

    @Test(arguments: [
        ("old", AccessError.Code.unsupported, "client.authentication.k8s.io/v1alpha1 is not supported"),
        ("terminal", .unsupported, "a plugin that needs a terminal cannot be used here"),
        ("provider", .unsupported, "auth providers were removed in Kubernetes 1.26"),
        ("basic", .unsupported, "basic authentication was removed in Kubernetes 1.19"),
        ("impersonating", .unsupported, "impersonation is not supported"),
        ("half", .malformed, "client-certificate and client-key must be given together"),
        ("nobody", .missing, "there is no user \"ghost\", only \"basic\", \"both\", \"half\", "),
        ("nowhere", .missing, "there is no cluster \"ghost\", only \"files\", \"inline\", \"open\""),
        ("missing", .missing, "there is no context \"missing\""),
    ])
    func namesWhatIsWrong(_ context: String, _ code: AccessError.Code, _ message: String) throws {
        let folder = try folder()
        do {
            _ = try ClusterAccess.discover(kubeconfig: folder.path + "/config", context: context, environment: [:])
            Issue.record("context \(context) was accepted")
        } catch let error as AccessError {
            #expect(error.code == code && error.message.contains(message))
            #expect(error.place.contains(folder.path + "/config"))
        }
    }

    @Test(arguments: [
        "clusters: 5", "clusters:\n- cluster: {}", "{", "current-context: a",
        "current-context: a\nclusters: [{name: c, cluster: {server: ftp://x}}]\ncontexts: [{name: a, context: {cluster: c}}]",
        "current-context: a\nclusters: [{name: c, cluster: {server: 'https://x', certificate-authority-data: '*'}}]\n"
            + "contexts: [{name: a, context: {cluster: c}}]",
        "current-context: a\nclusters: [{name: c, cluster: {server: 'https://x', certificate-authority: none.crt}}]\n"
            + "contexts: [{name: a, context: {cluster: c}}]",
    ])
    func refusesBadFiles(_ text: String) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(text, to: "config")
        #expect(throws: AccessError.self) { try ClusterAccess.discover(kubeconfig: file, environment: [:]) }
    }

    @Test func mergesTheFilesOfTheEnvironment() throws {
        let folder = try folder()
        let other = try folder.write(
            """
            current-context: mine
            contexts: [{name: mine, context: {cluster: open, user: token, namespace: mine}}]
            """, to: "other")
        let list = "\(other):\(folder.path)/missing:\(folder.path)/config"
        let access = try ClusterAccess.discover(environment: ["KUBECONFIG": list])
        #expect(access.namespace == "mine")
        #expect(access.server == "http://127.0.0.1:8001")
    }

    @Test func readsAServiceAccount() throws {
        let folder = try TemporaryFolder()
        let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"]
        #expect(throws: AccessError.self) {
            try ClusterAccess.serviceAccount(environment: environment, folder: folder.path)
        }
        _ = try folder.write("abc", to: "token")
        _ = try folder.write("CA", to: "ca.crt")
        _ = try folder.write("kube-system\n", to: "namespace")
        let access = try ClusterAccess.serviceAccount(environment: environment, folder: folder.path)
        #expect(access.server == "https://[fd00::1]:443")
        #expect(access.token == .file(folder.path + "/token"))
        #expect(access.certificateAuthority == .file(folder.path + "/ca.crt"))
        #expect(access.namespace == "kube-system")
        #expect(throws: AccessError.self) { try ClusterAccess.serviceAccount(environment: [:], folder: folder.path) }
    }

    @Test func findsNoClusterWithoutAnyConfiguration() throws {
        let folder = try TemporaryFolder()
        #expect(throws: AccessError.self) { try ClusterAccess.discover(environment: ["HOME": folder.path]) }
    }
}
