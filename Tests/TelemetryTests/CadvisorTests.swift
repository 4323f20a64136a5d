import Telemetry
import Testing

private typealias PodName = CadvisorScrape.PodName

/// A scrape in the form of a kubelet 1.20 with containerd on a machine that carries two nodes: both nodes' cgroups and
/// the root are there, and pod labels on this node's pods only.
private func scrape(
    root: Double, node0: Double, node1: Double, web: Double, webMemory: Double = 5_000_000,
    time: Int = 1_700_000_000_000
) -> [UInt8] {
    Array(
        """
        # HELP cadvisor_version_info A metric with a constant '1' value.
        # TYPE cadvisor_version_info gauge
        cadvisor_version_info{cadvisorRevision="",cadvisorVersion="",dockerVersion="",kernelVersion="5.10.0",osVersion="Debian"} 1
        # TYPE container_cpu_usage_seconds_total counter
        container_cpu_usage_seconds_total{container="",cpu="total",id="/",image="",name="",namespace="",pod=""} \(root) \(time)
        container_cpu_usage_seconds_total{container="",cpu="total",id="/testbed-node0",image="",name="",namespace="",pod=""} \(node0) \(time)
        container_cpu_usage_seconds_total{container="",cpu="total",id="/testbed-node1",image="",name="",namespace="",pod=""} \(node1) \(time)
        container_cpu_usage_seconds_total{container="",cpu="total",id="/testbed-node0/kubepods/besteffort/pod1",image="",name="",namespace="default",pod="web"} \(web) \(time)
        container_cpu_usage_seconds_total{container="nginx",cpu="total",id="/testbed-node0/kubepods/besteffort/pod1/c1",image="localhost/bench:1",name="c1",namespace="default",pod="web"} \(web * 0.75) \(time)
        container_cpu_usage_seconds_total{container="",cpu="total",id="/testbed-node0/kubepods/besteffort/pod1/s1",image="localhost/pause:1",name="s1",namespace="default",pod="web"} 0.01 \(time)
        container_memory_working_set_bytes{container="",id="/",image="",name="",namespace="",pod=""} 9e+09 \(time)
        container_memory_working_set_bytes{container="",id="/testbed-node0",image="",name="",namespace="",pod=""} 7.5e+07 \(time)
        container_memory_working_set_bytes{container="",id="/testbed-node0/kubepods/besteffort/pod1",image="",name="",namespace="default",pod="web"} \(webMemory) \(time)

        """.utf8)
}

@Suite struct CadvisorTests {
    private let web = PodName(namespace: "default", name: "web")

    @Test func readsTheNodesCgroupAndThePodsOwn() throws {
        let text = scrape(root: 900, node0: 100, node1: 300, web: 40)
        let testbed = try CadvisorScrape(parsing: text, nodeCgroup: "/testbed-node0", receivedAt: 0)
        #expect(testbed.node.cpuSeconds == Measurement(value: 100, time: 1_700_000_000))
        #expect(testbed.node.workingSetBytes == Measurement(value: 7.5e7, time: 1_700_000_000))
        #expect(testbed.pods.count == 1)
        #expect(testbed.pods[web]?.cpuSeconds?.value == 40)
        #expect(testbed.pods[web]?.workingSetBytes?.value == 5_000_000)
        #expect(try CadvisorScrape(parsing: text, receivedAt: 0).node.cpuSeconds?.value == 900)
        let absent = try CadvisorScrape(parsing: text, nodeCgroup: "/elsewhere", receivedAt: 0)
        #expect(absent.node == CadvisorScrape.Figures())
    }

    /// A runtime without series for pods' own cgroups: the sum over containers, restarted ones included, as of the
    /// oldest. Series per CPU beside the total do not count twice.
    @Test func sumsContainersWhereThePodHasNoSeries() throws {
        let text = """
            container_cpu_usage_seconds_total{container="a",cpu="total",id="/p/1",name="1",namespace="default",pod="web"} 3 2000
            container_cpu_usage_seconds_total{container="a",cpu="cpu00",id="/p/1",name="1",namespace="default",pod="web"} 3 2000
            container_cpu_usage_seconds_total{container="a",cpu="total",id="/p/2",name="2",namespace="default",pod="web"} 4 3000
            container_cpu_usage_seconds_total{container="b",cpu="total",id="/p/3",name="3",namespace="default",pod="web"} 5

            """
        let result = try CadvisorScrape(parsing: Array(text.utf8), receivedAt: 10)
        #expect(result.pods[web]?.cpuSeconds == Measurement(value: 12, time: 2))
        #expect(result.pods[web]?.workingSetBytes == nil)
        #expect(result.node.cpuSeconds == nil)
    }

    @Test func ratesUseTheSamplesOwnTimes() throws {
        var tracker = UsageTracker(nodeCgroup: "/testbed-{node}")
        #expect(tracker.cgroup(of: "node0") == "/testbed-node0")
        #expect(tracker.usage(ofNode: "node0") == ResourceUsage())
        try tracker.update(
            node: "node0", text: scrape(root: 900, node0: 100, node1: 300, web: 40), receivedAt: 1_700_000_009)
        #expect(tracker.usage(ofNode: "node0").cpuCores == nil)
        #expect(tracker.usage(ofNode: "node0").memoryBytes?.value == 7.5e7)
        // 8 s of CPU in 10 s by cadvisor's clock, whenever the scrapes were received.
        let second = scrape(root: 930, node0: 108, node1: 320, web: 45, webMemory: 6e6, time: 1_700_000_010_000)
        try tracker.update(node: "node0", text: second, receivedAt: 1_700_000_011)
        #expect(tracker.usage(ofNode: "node0").cpuCores == Measurement(value: 0.8, time: 1_700_000_010))
        let pod = tracker.usage(ofPod: web, onNode: "node0")
        #expect(pod.cpuCores == Measurement(value: 0.5, time: 1_700_000_010))
        #expect(pod.memoryBytes == Measurement(value: 6e6, time: 1_700_000_010))
        #expect(pod.cpuCores?.age(at: 1_700_000_015) == 5)
        // cadvisor measures every 10 to 15 s and repeats itself in between: the rate stays and ages.
        try tracker.update(node: "node0", text: second, receivedAt: 1_700_000_014)
        #expect(tracker.usage(ofNode: "node0").cpuCores == Measurement(value: 0.8, time: 1_700_000_010))
        #expect(tracker.usage(ofNode: "node1") == ResourceUsage())
        #expect(tracker.podUsage(onNode: "node0").count == 1)
        tracker.remove(node: "node0")
        #expect(tracker.usage(ofNode: "node0") == ResourceUsage())
    }

    @Test func whatIsNoLongerReportedIsAbsent() throws {
        var tracker = UsageTracker()
        try tracker.update(node: "n", text: scrape(root: 1, node0: 1, node1: 1, web: 1), receivedAt: 0)
        try tracker.update(
            node: "n", text: scrape(root: 2, node0: 1, node1: 1, web: 2, time: 1_700_000_010_000), receivedAt: 0)
        #expect(tracker.usage(ofPod: web, onNode: "n").cpuCores?.value == 0.1)
        try tracker.update(node: "n", text: Array("up 1\n".utf8), receivedAt: 0)
        #expect(tracker.usage(ofNode: "n") == ResourceUsage())
        #expect(tracker.usage(ofPod: web, onNode: "n") == ResourceUsage())
    }

    @Test func aBrokenScrapeChangesNothing() throws {
        var tracker = UsageTracker()
        let text = scrape(root: 1, node0: 1, node1: 1, web: 1)
        try tracker.update(node: "n", text: text, receivedAt: 0)
        let known = tracker.usage(ofNode: "n")
        #expect(throws: ExpositionError.self) {
            try tracker.update(node: "n", text: Array(text.dropLast(20)), receivedAt: 0)
        }
        #expect(tracker.usage(ofNode: "n") == known)
    }
}

@Suite struct CounterRateTests {
    @Test func followsResets() {
        var counter = CounterRate(maximumWindow: 120)
        counter.update(total: 100, time: 0)
        #expect(counter.rate == nil)
        counter.update(total: 110, time: 20)
        #expect(counter.rate == Measurement(value: 0.5, time: 20))
        // Reset between 20 and 30: at least the 4 s counted since then were used.
        counter.update(total: 4, time: 30)
        #expect(counter.rate == Measurement(value: 0.4, time: 30))
        counter.update(total: 6, time: 40)
        #expect(counter.rate == Measurement(value: 0.2, time: 40))
    }

    @Test func ignoresWhatCannotBe() {
        var counter = CounterRate(maximumWindow: 120)
        counter.update(total: 10, time: 0)
        counter.update(total: 20, time: 10)
        let rate = counter.rate
        for (total, time) in [(30, 10), (30, 5), (.nan, 20), (.infinity, 20), (-1, 20), (30, .nan)]
            as [(Double, Double)]
        {
            counter.update(total: total, time: time)
            #expect(counter.rate == rate)
        }
    }

    @Test func aLongGapGivesNoRate() {
        var counter = CounterRate(maximumWindow: 60)
        counter.update(total: 10, time: 0)
        counter.update(total: 20, time: 10)
        counter.update(total: 30, time: 71)
        #expect(counter.rate == nil)
        counter.update(total: 40, time: 81)
        #expect(counter.rate == Measurement(value: 1, time: 81))
    }

    @Test func agesByTheClockOfTheReader() {
        #expect(Measurement(value: 1, time: 10).age(at: 14) == 4)
        #expect(Measurement(value: 1, time: 10).age(at: 9) == 0)
    }
}
