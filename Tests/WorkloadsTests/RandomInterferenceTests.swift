import Settings
import Testing
import Workloads

@Suite struct RandomInterferenceTests {
    private func settings() -> RandomInterference {
        var settings = RandomInterference()
        settings.nodes = ["node0", "node1"]
        settings.level = ValueRange(0.01, 1)
        return settings
    }

    @Test func podsAndPausesTakeTurnsOnEachNode() throws {
        for seed in 0..<200 {
            let plan = settings().plan(seconds: 1000, seed: UInt64(seed))
            for pod in plan.interference { try pod.validate() }
            for node in ["node0", "node1"] {
                let pods = plan.interference.filter { $0.node == node }
                #expect(pods.count >= 4 && pods.allSatisfy { $0.start < 1000 })
                for (first, second) in zip(pods, pods.dropFirst()) {
                    let pause = second.start - first.start - first.duration
                    #expect((20...80).contains(pause) && (40...120).contains(first.duration))
                }
            }
        }
    }

    @Test func theSeedDecides() {
        #expect(settings().plan(seconds: 500, seed: 1) == settings().plan(seconds: 500, seed: 1))
        #expect(settings().plan(seconds: 500, seed: 1) != settings().plan(seconds: 500, seed: 2))
        let plan = settings().plan(seconds: 500, seed: 1)
        let (first, second) = (
            plan.interference.filter { $0.node == "node0" }, plan.interference.filter { $0.node == "node1" }
        )
        #expect(first.map(\.start) != second.map(\.start))
    }

    @Test func nonsenseIsRefused() {
        for text in [
            "nodes: []", "nodes: [a, a]",
            "level: [0, 1]", "level: [0.5, 2]", "sources: []", "duration: [0, 10]", "pause: [-1, 2]", "image: \"\"",
        ] {
            #expect(throws: SettingsError.self) {
                try RandomInterference.decode(
                    yaml: text.hasPrefix("nodes") ? text : "nodes: [a]\n\(text)", file: "f.yaml")
            }
        }
    }
}
