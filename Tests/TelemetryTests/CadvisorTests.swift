import Windows
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
        #expect(testbed.node.cpuSeconds == Reading(value: 100, time: 1_700_000_000))
        #expect(testbed.node.workingSetBytes == Reading(value: 7.5e7, time: 1_700_000_000))
        #expect(testbed.pods.count == 1)
        #expect(testbed.pods[web]?.cpuSeconds?.value == 40)
        #expect(testbed.pods[web]?.workingSetBytes?.value == 5_000_000)
        #expect(try CadvisorScrape(parsing: text, receivedAt: 0).node.cpuSeconds?.value == 900)
        let absent = try CadvisorScrape(parsing: text, nodeCgroup: "/elsewhere", receivedAt: 0)
        #expect(absent.node == UsageReading())
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
        #expect(result.pods[web]?.cpuSeconds == Reading(value: 12, time: 2))
        #expect(result.pods[web]?.workingSetBytes == nil)
        #expect(result.node.cpuSeconds == nil)
    }
}
