import Telemetry
import Testing

@Suite struct CounterWindowTests {
    @Test func takesTheSpanNearestToTheLength() {
        var window = CounterWindow(length: 20)
        #expect(window.rate == nil)
        window.update(total: 100, time: 0)
        #expect(window.rate == nil)
        // Scraped every 15 s: 15 is nearer to 20 than 30 is.
        window.update(total: 115, time: 15)
        #expect(window.rate == CounterWindow.Rate(value: 1, time: 15, seconds: 15))
        window.update(total: 145, time: 30)
        #expect(window.rate == CounterWindow.Rate(value: 2, time: 30, seconds: 15))
        // Then every 5 s: exactly 20.
        for (total, time) in [(150.0, 35.0), (155, 40), (160, 45), (165, 50)] {
            window.update(total: total, time: time)
        }
        #expect(window.rate == CounterWindow.Rate(value: 1, time: 50, seconds: 20))
    }

    @Test func countsOnOverAReset() {
        var window = CounterWindow(length: 20)
        for (total, time) in [(1_000.0, 0.0), (1_010, 10), (4, 20)] { window.update(total: total, time: time) }
        #expect(window.rate == CounterWindow.Rate(value: 0.7, time: 20, seconds: 20))
        window.update(total: 10, time: 30)
        #expect(window.rate == CounterWindow.Rate(value: 0.5, time: 30, seconds: 20))
    }

    @Test func neverSpansAGapOrWhatCannotBe() {
        var window = CounterWindow(length: 20)
        window.update(total: 0, time: 0)
        window.update(total: 41, time: 41)
        #expect(window.rate == nil)
        window.update(total: 51, time: 61)
        let rate = CounterWindow.Rate(value: 0.5, time: 61, seconds: 20)
        #expect(window.rate == rate)
        for (total, time) in [(60, 61), (60, 50), (.nan, 70), (-1, 70), (.infinity, 70), (60, .nan)]
            as [(Double, Double)]
        {
            window.update(total: total, time: time)
            #expect(window.rate == rate)
        }
    }
}

@Suite struct WindowAssemblerTests {
    private func machine(
        _ source: TelemetrySource, _ time: Double, cpu0: Double, cpu1: Double, memory: Double?,
        cpuStall: Double? = nil
    ) -> MachineReading {
        var reading = MachineReading(source: source, time: time)
        reading.busySeconds = [0: cpu0, 1: cpu1]
        reading.memoryBytes = memory
        if let cpuStall { reading.stalledSeconds[.cpu] = cpuStall }
        return reading
    }

    private func cadvisor(_ time: Double, cpu: Double?, memory: Double?) -> CadvisorScrape {
        var scrape = CadvisorScrape(samples: [], receivedAt: time)
        scrape.node.cpuSeconds = cpu.map { Measurement(value: $0, time: time) }
        scrape.node.workingSetBytes = memory.map { Measurement(value: $0, time: time) }
        return scrape
    }

    private func pcm(_ time: Double) -> PCMFigures {
        var figures = PCMFigures(time: time, seconds: 20)
        figures.instructionsPerCycle = 1.5
        figures.cacheMissRatio = 0.25
        figures.memoryBandwidth = 10e9
        figures.packagePower = 100
        return figures
    }

    private func value(_ value: Double, _ time: Double, _ seconds: Double, _ source: TelemetrySource)
        -> NodeWindow.Value
    {
        NodeWindow.Value(value: value, time: time, seconds: seconds, source: source)
    }

    @Test func nothingMeasuredIsNothing() {
        let window = WindowAssembler(node: "a").window(at: 100)
        #expect(window == NodeWindow(node: "a", end: 100))
        #expect(window.missing == NodeWindow.Field.allCases)
    }

    /// A machine of its own with all sources: cadvisor for CPU and memory, node-exporter before /proc, PCM for the rest.
    @Test func takesTheFirstSourceThatHasAField() {
        var assembler = WindowAssembler(node: "a")
        for (time, cpu) in [(0.0, 10.0), (20, 30)] {
            assembler.add(machine(.proc, time, cpu0: cpu, cpu1: 5, memory: 3e9, cpuStall: time / 10))
            assembler.add(machine(.nodeExporter, time, cpu0: cpu, cpu1: cpu, memory: 2e9))
            assembler.add(cadvisor(time, cpu: cpu * 1.5, memory: 1e9))
        }
        assembler.add(pcm(19))
        let window = assembler.window(at: 25)
        #expect(window.cpu == value(1.5, 20, 20, .cadvisor))
        #expect(window.memory == value(1e9, 20, 0, .cadvisor))
        #expect(window[.cpuPressure] == value(0.1, 20, 20, .proc))
        #expect(window.instructionsPerCycle == value(1.5, 19, 20, .pcm))
        #expect(window.cacheMissRatio == value(0.25, 19, 20, .pcm))
        #expect(window.memoryBandwidth == value(10e9, 19, 20, .pcm))
        #expect(window[.packagePower]?.value == 100)
        #expect(window.cpu?.age(at: window.end) == 5)
        #expect(window.missing == [.memoryPressure, .ioPressure, .memoryPower])
    }

    @Test func fallsBackWhenASourceIsGoneOrOld() {
        var assembler = WindowAssembler(node: "a", maximumAge: 60)
        for time in [0.0, 20] { assembler.add(cadvisor(time, cpu: time, memory: 1e9)) }
        for time in [60.0, 80] { assembler.add(machine(.nodeExporter, time, cpu0: time / 2, cpu1: 0, memory: 2e9)) }
        #expect(assembler.window(at: 80).cpu == value(1, 20, 20, .cadvisor))
        // Cadvisor's values are 61 s old by then.
        #expect(assembler.window(at: 81).cpu == value(0.5, 80, 20, .nodeExporter))
        #expect(assembler.window(at: 81).memory == value(2e9, 80, 0, .nodeExporter))
        #expect(assembler.window(at: 141).cpu == nil)
        // A scrape without the node's cgroup says that it is gone: at once, not after a while.
        assembler.add(cadvisor(90, cpu: nil, memory: nil))
        #expect(assembler.window(at: 60).cpu?.source == .nodeExporter)
    }

    /// Without PCM the cache and the memory bus are missing; nothing stands in for them.
    @Test func withoutPCMCacheAndBandwidthAreMissing() {
        var assembler = WindowAssembler(node: "a")
        for time in [0.0, 20] {
            assembler.add(machine(.proc, time, cpu0: time, cpu1: 0, memory: 3e9, cpuStall: 0))
        }
        let window = assembler.window(at: 20)
        #expect(window.cpu == value(1, 20, 20, .proc))
        #expect(window[.cpuPressure] == value(0, 20, 20, .proc))
        for field in [
            NodeWindow.Field.memoryBandwidth, .cacheMissRatio, .instructionsPerCycle, .packagePower, .memoryPower,
        ] {
            #expect(window[field] == nil)
        }
    }

    /// Two nodes on one machine: what is measured of the machine says nothing of either.
    @Test func onASharedMachineOnlyTheNodesOwnCounts() {
        var assembler = WindowAssembler(node: "a", scope: NodeScope(cgroup: "/testbed-a", isShared: true))
        for time in [0.0, 20] {
            assembler.add(machine(.proc, time, cpu0: time, cpu1: time, memory: 3e9, cpuStall: 1))
            assembler.add(machine(.nodeExporter, time, cpu0: time, cpu1: time, memory: 3e9, cpuStall: 1))
        }
        assembler.add(pcm(20))
        #expect(assembler.window(at: 20).values.isEmpty)
        for time in [0.0, 20] { assembler.add(cadvisor(time, cpu: time / 4, memory: 1e8)) }
        let window = assembler.window(at: 20)
        #expect(window.values == [.cpu: value(0.25, 20, 20, .cadvisor), .memory: value(1e8, 20, 0, .cadvisor)])
    }

    /// The root cgroup is the machine: it must not pass for one of its nodes.
    @Test func theRootCgroupIsNoPartOfASharedMachine() {
        var assembler = WindowAssembler(node: "a", scope: NodeScope(cgroup: "/", isShared: true))
        for time in [0.0, 20] { assembler.add(cadvisor(time, cpu: time, memory: 1e9)) }
        #expect(assembler.window(at: 20).values.isEmpty)
    }

    /// A cgroup that is named after its node is one of several on a machine, whether or not anyone says so.
    @Test func aCgroupOfANodesOwnIsAPartOfItsMachine() {
        #expect(NodeScope(node: "a", pattern: "/", isShared: false) == NodeScope())
        #expect(NodeScope(node: "a", pattern: "/", isShared: true) == NodeScope(isShared: true))
        let part = NodeScope(cgroup: "/testbed-a", isShared: true, processors: [1])
        for isShared in [false, true] {
            #expect(NodeScope(node: "a", pattern: "/testbed-{node}", isShared: isShared, processors: [1]) == part)
        }
    }

    /// Cadvisor's own figures stand until they are too old; then, and where it has none, the window's do.
    @Test func aWindowAddsWhatCadvisorLacks() {
        var window = NodeWindow(node: "a", end: 100)
        window.values[.cpu] = value(0.5, 99, 20, .nodeExporter)
        window.values[.memory] = value(2e9, 98, 0, .nodeExporter)
        window.values[.instructionsPerCycle] = value(1.5, 97, 20, .pcm)
        var usage = ResourceUsage(cpuCores: Measurement(value: 2, time: 40))
        usage.add(window, maximumAge: 60)
        #expect(usage.cpuCores == Measurement(value: 2, time: 40))
        #expect(usage.memoryBytes == Measurement(value: 2e9, time: 98))
        #expect(usage.instructionsPerCycle == Measurement(value: 1.5, time: 97))
        #expect(usage.memoryBandwidth == nil && usage.cacheMissRatio == nil)
        window.end = 101
        usage.add(window, maximumAge: 60)
        #expect(usage.cpuCores == Measurement(value: 0.5, time: 99))
        // A window of nothing takes nothing away: what there was grows old.
        let known = usage
        usage.add(NodeWindow(node: "a", end: 1_000), maximumAge: 60)
        #expect(usage == known)
    }

    @Test func pinnedCPUsAreTheNodes() {
        var assembler = WindowAssembler(
            node: "a", scope: NodeScope(cgroup: "/a", isShared: true, processors: [1]))
        for time in [0.0, 20] { assembler.add(machine(.proc, time, cpu0: time, cpu1: time / 2, memory: 3e9)) }
        #expect(assembler.window(at: 20).values == [.cpu: value(0.5, 20, 20, .proc)])
    }

    /// PCM scraped by Prometheus counts since its start: two readings make a window, with a restart in between too.
    @Test func countersSinceTheStartMakeAWindow() throws {
        func counters(_ instructions: Double, _ cycles: Double, reads: Double, writes: Double) throws -> PCMCounters {
            try PCMCounters(samples: [
                MetricSample(name: "Measurement_Interval_in_us", value: 9e9),
                MetricSample(
                    name: "Instructions_Retired_Any", labels: ["socket": "0", "aggregate": "socket", "source": "core"],
                    value: instructions),
                MetricSample(
                    name: "Clock_Unhalted_Thread", labels: ["socket": "0", "aggregate": "socket", "source": "core"],
                    value: cycles),
                MetricSample(name: "DRAM_Reads", labels: ["socket": "0", "source": "uncore"], value: reads),
                MetricSample(name: "DRAM_Writes", labels: ["socket": "0", "source": "uncore"], value: writes),
            ])
        }
        var assembler = WindowAssembler(node: "a")
        assembler.add(sinceStart: try counters(100, 100, reads: 1_000, writes: 5_000), time: 0)
        #expect(assembler.window(at: 0).values.isEmpty)
        assembler.add(sinceStart: try counters(160, 140, reads: 1_300, writes: 5_100), time: 20)
        var window = assembler.window(at: 20)
        #expect(window.instructionsPerCycle == value(1.5, 20, 20, .pcm))
        #expect(window.memoryBandwidth == value(20, 20, 20, .pcm))
        #expect(window.cacheMissRatio == nil)
        assembler.add(sinceStart: try counters(20, 10, reads: 100, writes: 100), time: 40)
        window = assembler.window(at: 40)
        #expect(window.instructionsPerCycle == value(2, 40, 20, .pcm))
        #expect(window.memoryBandwidth == value(10, 40, 20, .pcm))
    }
}
