import Windows
import Collector
import Foundation
import Settings
import Telemetry
import Testing

@Suite struct SettingsTests {
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "../..")

    private func load(_ file: String, _ overrides: String...) throws -> CollectorSettings {
        try CollectorSettings.load(from: Self.repository.appendingPathComponent(file).path, overrides: overrides)
    }

    @Test func theShippedFileShowsTheDefaults() throws {
        var expected = CollectorSettings()
        expected.local.node = "localhost"
        #expect(try load("configs/serve/collector.yaml") == expected)
    }

    /// The DaemonSet's own file with the arguments that it adds.
    @Test func theDaemonSetsFileLoads() throws {
        let settings = try load(
            "deploy/collector/collector-config.yaml", #"local.node="10-0-0-1.example""#,
            #"local.pcm="http://10.0.0.1:9738""#)
        #expect(settings.local.node == "10-0-0-1.example")
        #expect(settings.local.proc == "/host/proc")
        #expect(settings.local.pcm == "http://10.0.0.1:9738")
        // A name of digits is still a name.
        #expect(try load("deploy/collector/collector-config.yaml", #"local.node="1234""#).local.node == "1234")
        #expect(throws: SettingsError.self) { try load("deploy/collector/collector-config.yaml") }
    }

    @Test(arguments: [
        "length=30", "length=0", "port=70000", "maximumAge=19", "timeout=0", "local.node=\"\"", "local.node=A_B",
        "local.node=a..b", "local.pcm=localhost:9738", "local.proc=proc", "scope.nodeCgroup=a", "scope.shared=true",
        "scope.processors.a=[]", "scope.processors.a=[-1]", "remote.nodeSelector=job", "remote.range=0",
        "remote.prometheus=prometheus:9090", "unknown=1",
    ])
    func refusesWhatMakesNoSense(override: String) {
        #expect(throws: SettingsError.self) { try load("configs/serve/collector.yaml", override) }
    }

    @Test func scopesNameTheNodesPart() throws {
        let settings = try load(
            "configs/serve/collector.yaml", "scope.shared=true", "scope.nodeCgroup=/testbed-{node}",
            "scope.processors.node0=[0,1]")
        #expect(
            settings.scope.scope(of: "node0")
                == NodeScope(cgroup: "/testbed-node0", isShared: true, processors: [0, 1]))
        #expect(settings.scope.scope(of: "node1") == NodeScope(cgroup: "/testbed-node1", isShared: true))
        // Cgroups that are named after nodes say as much.
        let named = try load("configs/serve/collector.yaml", "scope.nodeCgroup=/testbed-{node}")
        #expect(named.scope.scope(of: "node1").isShared)
    }
}
