import Cluster
import Foundation
import Kubernetes
import Telemetry
import Testing
import Watching
import Windows

/// What the builder of a watched cluster was told makes the same snapshots again, from a file too.
@Suite struct RecordingTests {
    /// Two nodes, a service that is scaled and resized, a pod that moves on, readings of all kinds.
    private func play(_ cluster: inout WatchedCluster, shown: (inout WatchedCluster) throws -> Void) throws {
        cluster.apply(.added(try node("node0")))
        cluster.apply(.added(try node("node1", cpu: "2", pods: 20)))
        let web = try deployment("web", replicas: 2)
        cluster.apply(.added(web))
        cluster.apply(.added(try budget("web", selector: #"{"matchLabels":{"app":"web"}}"#, allowed: 1)))
        let pending = try pod("web-a")
        cluster.apply(.added(pending), now: 100)
        cluster.prepare(now: 100)
        try shown(&cluster)
        let bound = try pod("web-a", on: "node0", isReady: true)
        cluster.apply(.updated(from: pending, to: bound), now: 101)
        // Nothing that the snapshot shows has changed.
        cluster.apply(.updated(from: bound, to: bound), now: 102)
        cluster.apply(.added(try pod("other", of: nil, on: "node1", isReady: true)), now: 102)
        for time in [100.0, 120] {
            let usage = UsageReading(
                cpuSeconds: Reading(value: 0.4 * time, time: time), workingSetBytes: Reading(value: 2e9, time: time))
            cluster.add(.cadvisor(usage), ofNode: "node0")
            cluster.add([CadvisorScrape.PodName(namespace: "shop", name: "web-a"): usage])
            var machine = MachineReading(source: .nodeExporter, time: time)
            machine.busySeconds = [0: 0.3 * time, 1: 0.1 * time]
            cluster.add(.machine(machine), ofNode: "node1")
            cluster.add(
                .pcmSinceStart([.memoryReads: 1e9 * time, .memoryWrites: 5e8 * time], time: time), ofNode: "node1")
            var sample = RequestSample(
                time: time, seconds: 20, source: .loadGenerator, arrived: 50 + time, completed: 100, failed: 3)
            sample.latencyP99 = 0.25
            cluster.add(sample, ofService: 0)
        }
        cluster.apply(.updated(from: web, to: try deployment("web", replicas: 3, cpu: "400m")))
        cluster.prepare(now: 121)
        try shown(&cluster)
        cluster.apply(.removed(bound), now: 122)
        cluster.apply(.removed(try node("node1")))
        cluster.prepare(now: 122.5)
        try shown(&cluster)
    }

    private func recorded() -> WatchedCluster {
        WatchedCluster(
            interval: 20, usage: UsageSettings(), namespace: "shop",
            services: [
                DeclaredService(
                    deployment: "web", objective: 0.1, minimumReplicas: 1, maximumReplicas: 6,
                    cpuRequestRange: 0.2...0.8)
            ], isRecorded: true)
    }

    @Test func theSameSnapshotsComeOfARecording() throws {
        var cluster = recorded()
        var snapshots: [ClusterSnapshot] = []
        var entries: [RecordingEntry] = [
            .episode(seed: 3, interval: cluster.snapshot.interval, maximumAge: cluster.maximumAge)
        ]
        try play(&cluster) { cluster in
            snapshots.append(cluster.snapshot)
            entries += cluster.takeEvents().map { .event($0) } + [.shown]
            switch snapshots.count {
            case 1: entries.append(.action(.place(pod: 0, node: 0), refusal: nil))
            case 2: entries.append(.action(.scale(service: 0, change: 1), refusal: .guarded("not now")))
            default: entries.append(.interval(IntervalReport(duration: 20.5)))
            }
        }
        try #require(snapshots.count == 3 && snapshots[1].nodes[0].cpuUsage != nil)
        #expect(snapshots[1].nodes[1].memoryBandwidth != nil && snapshots[1].services[0].latencyP99 != nil)

        let lines = try entries.map { try JSONEncoder().encode($0) }
        let file = Data(lines.joined(separator: Data("\n".utf8)))
        let episodes = try RecordedCluster.episodes(in: file)
        var replay = try #require(episodes.first)
        #expect(episodes.count == 1)
        for _ in 0..<2 {
            replay.reset(seed: 0)
            #expect(replay.snapshot == snapshots[0])
            #expect(replay.next == .place(pod: 0, node: 0))
            #expect(replay.apply(.place(pod: 0, node: 0)) == nil)
            #expect(replay.snapshot == snapshots[1])
            #expect(replay.apply(.scale(service: 0, change: 1)) == .guarded("not now"))
            #expect(replay.snapshot == snapshots[2])
            #expect(replay.next == .advance)
            #expect(replay.advance().duration == 20.5)
            #expect(replay.next == nil)
            #expect(replay.advance().failure == "the recording has ended")
        }
    }

    @Test func nothingIsKeptUnlessAskedFor() throws {
        var cluster = WatchedCluster(interval: 20, usage: UsageSettings())
        cluster.apply(.added(try node("node0")))
        #expect(cluster.takeEvents().isEmpty)
        var kept = recorded()
        #expect(kept.takeEvents().count == 1)
        #expect(kept.takeEvents().isEmpty)
    }

    @Test func aBrokenRecordingNamesItsLine() throws {
        let good = String(
            decoding: try JSONEncoder().encode(RecordingEntry.episode(seed: 1, interval: 20, maximumAge: 60)),
            as: UTF8.self)
        for (text, line) in [
            ("{}", 1), (#"{"shown":{}}"#, 1), (good + "\n" + #"{"event":{}}"# + "\n" + #"{"shown":{}}"#, 2),
            (good + "\nhello\n" + #"{"shown":{}}"#, 2), ("hello", 1),
            (good.replacing("20", with: "-1"), 1),
            ("\n\n" + good + "\n\n" + #"{"event":{}}"# + "\n" + #"{"shown":{}}"#, 5),
            (good + "\n" + #"{"event":{"_0":{"setPhase":{"pod":3,"_1":"ready"}}}}"#, 2),
        ] {
            let error = #expect(throws: RecordingError.self) {
                try RecordedCluster.episodes(in: Data(text.utf8))
            }
            #expect(error?.line == line, "\(text)")
        }
        // What a program that was killed had begun to write is left out, at the end and before the next episode.
        #expect(try RecordedCluster.episodes(in: Data((good + "\n{\"sho").utf8)).count == 1)
        #expect(try RecordedCluster.episodes(in: Data((good + "\n{\"sho\n" + good).utf8)).count == 2)
    }
}
