import Testing
import Windows

@Suite struct CounterWindowTests {
    @Test func takesTheSpanNearestToTheLength() {
        var window = CounterWindow(length: 20)
        #expect(window.rate(by: .proc) == nil)
        window.update(total: 100, time: 0)
        #expect(window.rate(by: .proc) == nil)
        // Scraped every 15 s: 15 is nearer to 20 than 30 is.
        window.update(total: 115, time: 15)
        #expect(window.rate(by: .proc) == Measured(1, at: 15, over: 15, by: .proc))
        window.update(total: 145, time: 30)
        #expect(window.rate(by: .proc) == Measured(2, at: 30, over: 15, by: .proc))
        // Then every 5 s: exactly 20.
        for (total, time) in [(150.0, 35.0), (155, 40), (160, 45), (165, 50)] {
            window.update(total: total, time: time)
        }
        #expect(window.rate(by: .proc) == Measured(1, at: 50, over: 20, by: .proc))
    }

    @Test func countsOnOverAReset() {
        var window = CounterWindow(length: 20)
        for (total, time) in [(1_000.0, 0.0), (1_010, 10), (4, 20)] { window.update(total: total, time: time) }
        #expect(window.rate(by: .proc) == Measured(0.7, at: 20, over: 20, by: .proc))
        window.update(total: 10, time: 30)
        #expect(window.rate(by: .proc) == Measured(0.5, at: 30, over: 20, by: .proc))
    }

    @Test func neverSpansAGapOrWhatCannotBe() {
        var window = CounterWindow(length: 20)
        window.update(total: 0, time: 0)
        window.update(total: 41, time: 41)
        #expect(window.rate(by: .proc) == nil)
        window.update(total: 51, time: 61)
        let rate = Measured(0.5, at: 61, over: 20, by: .proc)
        #expect(window.rate(by: .proc) == rate)
        for (total, time) in [(60, 61), (60, 50), (.nan, 70), (-1, 70), (.infinity, 70), (60, .nan)]
            as [(Double, Double)]
        {
            window.update(total: total, time: time)
            #expect(window.rate(by: .proc) == rate)
        }
    }
}

@Suite struct WindowAssemblerTests {
    private func machine(
        _ source: MeasurementSource, _ time: Double, cpu0: Double, cpu1: Double, memory: Double?,
        cpuStall: Double? = nil
    ) -> MachineReading {
        var reading = MachineReading(source: source, time: time)
        reading.busySeconds = [0: cpu0, 1: cpu1]
        reading.memoryBytes = memory
        if let cpuStall { reading.stalledSeconds[.cpu] = cpuStall }
        return reading
    }

    private func cadvisor(_ time: Double, cpu: Double?, memory: Double?) -> UsageReading {
        UsageReading(
            cpuSeconds: cpu.map { Reading(value: $0, time: time) },
            workingSetBytes: memory.map { Reading(value: $0, time: time) })
    }

    private func pcm(_ time: Double) -> PCMFigures {
        var figures = PCMFigures(time: time, seconds: 20)
        figures.instructionsPerCycle = 1.5
        figures.cacheMissRatio = 0.25
        figures.memoryBandwidth = 10e9
        figures.packagePower = 100
        return figures
    }

    private func value(_ value: Double, _ time: Double, _ seconds: Double, _ source: MeasurementSource)
        -> Measured
    {
        Measured(value, at: time, over: seconds, by: source)
    }

    @Test func nothingMeasuredIsNothing() {
        let window = WindowAssembler().window(of: "a", at: 100)
        #expect(window == NodeWindow(node: "a", end: 100))
        #expect(window.missing == NodeWindow.Field.allCases)
    }

    /// A machine of its own with all sources: cadvisor for CPU and memory, node-exporter before /proc, PCM for the rest.
    @Test func takesTheFirstSourceThatHasAField() {
        var assembler = WindowAssembler()
        for (time, cpu) in [(0.0, 10.0), (20, 30)] {
            assembler.add(machine(.proc, time, cpu0: cpu, cpu1: 5, memory: 3e9, cpuStall: time / 10))
            assembler.add(machine(.nodeExporter, time, cpu0: cpu, cpu1: cpu, memory: 2e9))
            assembler.add(cadvisor(time, cpu: cpu * 1.5, memory: 1e9))
        }
        assembler.add(pcm(19))
        let window = assembler.window(of: "a", at: 25)
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
        var assembler = WindowAssembler(maximumAge: 60)
        for time in [0.0, 20] { assembler.add(cadvisor(time, cpu: time, memory: 1e9)) }
        for time in [60.0, 80] { assembler.add(machine(.nodeExporter, time, cpu0: time / 2, cpu1: 0, memory: 2e9)) }
        #expect(assembler.window(of: "a", at: 80).cpu == value(1, 20, 20, .cadvisor))
        // Cadvisor's values are 61 s old by then.
        #expect(assembler.window(of: "a", at: 81).cpu == value(0.5, 80, 20, .nodeExporter))
        #expect(assembler.window(of: "a", at: 81).memory == value(2e9, 80, 0, .nodeExporter))
        #expect(assembler.window(of: "a", at: 141).cpu == nil)
        // A scrape without the node's cgroup says that it is gone: at once, not after a while.
        assembler.add(cadvisor(90, cpu: nil, memory: nil))
        #expect(assembler.window(of: "a", at: 60).cpu?.source == .nodeExporter)
    }

    /// Without PCM the cache and the memory bus are missing; nothing stands in for them.
    @Test func withoutPCMCacheAndBandwidthAreMissing() {
        var assembler = WindowAssembler()
        for time in [0.0, 20] {
            assembler.add(machine(.proc, time, cpu0: time, cpu1: 0, memory: 3e9, cpuStall: 0))
        }
        let window = assembler.window(of: "a", at: 20)
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
        var assembler = WindowAssembler(scope: NodeScope(cgroup: "/testbed-a", isShared: true))
        for time in [0.0, 20] {
            assembler.add(machine(.proc, time, cpu0: time, cpu1: time, memory: 3e9, cpuStall: 1))
            assembler.add(machine(.nodeExporter, time, cpu0: time, cpu1: time, memory: 3e9, cpuStall: 1))
        }
        assembler.add(pcm(20))
        #expect(assembler.window(of: "a", at: 20).values.isEmpty)
        for time in [0.0, 20] { assembler.add(cadvisor(time, cpu: time / 4, memory: 1e8)) }
        let window = assembler.window(of: "a", at: 20)
        #expect(window.values == [.cpu: value(0.25, 20, 20, .cadvisor), .memory: value(1e8, 20, 0, .cadvisor)])
    }

    /// The root cgroup is the machine: it must not pass for one of its nodes.
    @Test func theRootCgroupIsNoPartOfASharedMachine() {
        var assembler = WindowAssembler(scope: NodeScope(cgroup: "/", isShared: true))
        for time in [0.0, 20] { assembler.add(cadvisor(time, cpu: time, memory: 1e9)) }
        #expect(assembler.window(of: "a", at: 20).values.isEmpty)
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

    @Test func pinnedCPUsAreTheNodes() {
        var assembler = WindowAssembler(
            scope: NodeScope(cgroup: "/a", isShared: true, processors: [1]))
        for time in [0.0, 20] { assembler.add(machine(.proc, time, cpu0: time, cpu1: time / 2, memory: 3e9)) }
        #expect(assembler.window(of: "a", at: 20).values == [.cpu: value(0.5, 20, 20, .proc)])
    }

    /// PCM scraped by Prometheus counts since its start: two readings make a window, with a restart in between too.
    @Test func countersSinceTheStartMakeAWindow() throws {
        func counters(
            _ instructions: Double, _ cycles: Double, reads: Double, writes: Double, time: Double
        ) -> NodeReading {
            .pcmSinceStart(
                [.instructions: instructions, .cycles: cycles, .memoryReads: reads, .memoryWrites: writes], time: time)
        }
        var assembler = WindowAssembler()
        assembler.add(counters(100, 100, reads: 1_000, writes: 5_000, time: 0))
        #expect(assembler.window(of: "a", at: 0).values.isEmpty)
        assembler.add(counters(160, 140, reads: 1_300, writes: 5_100, time: 20))
        var window = assembler.window(of: "a", at: 20)
        #expect(window.instructionsPerCycle == value(1.5, 20, 20, .pcm))
        #expect(window.memoryBandwidth == value(20, 20, 20, .pcm))
        #expect(window.cacheMissRatio == nil)
        assembler.add(counters(20, 10, reads: 100, writes: 100, time: 40))
        window = assembler.window(of: "a", at: 40)
        #expect(window.instructionsPerCycle == value(2, 40, 20, .pcm))
        #expect(window.memoryBandwidth == value(10, 40, 20, .pcm))
    }
}

/// What a cgroup uses: by the clock of the machine that measured, over the pod's own life.
@Suite struct UsageWindowTests {
    private func reading(_ cpu: Double?, _ memory: Double?, _ time: Double) -> UsageReading {
        UsageReading(
            cpuSeconds: cpu.map { Reading(value: $0, time: time) },
            workingSetBytes: memory.map { Reading(value: $0, time: time) })
    }

    @Test func aNewCgroupHasMemoryBeforeItHasCPU() {
        var window = UsageWindow(length: 20)
        window.add(reading(40, 5e6, 100))
        #expect(window.cpu == nil)
        #expect(window.memory == Measured(5e6, at: 100, by: .cadvisor))
        window.add(reading(45, 6e6, 110))
        #expect(window.cpu == Measured(0.5, at: 110, over: 10, by: .cadvisor))
        // cadvisor measures every 10 to 15 s and repeats itself in between: the rate stays and ages.
        window.add(reading(45, 6e6, 110))
        #expect(window.cpu?.age(at: 115) == 5)
        window.add(reading(nil, nil, 120))
        #expect(window.cpu == nil && window.memory == nil)
    }
}

/// What a service's requests meet.
@Suite struct RequestWindowTests {
    private func sample(_ time: Double, arrived: Double, completed: Double, failed: Double, p99: Double?)
        -> RequestSample
    {
        var sample = RequestSample(
            time: time, seconds: 20, source: .loadGenerator, arrived: arrived, completed: completed, failed: failed)
        sample.latencyP99 = p99
        return sample
    }

    @Test func theWindowBeforeIsTheOneThatEndedWhereThisBegins() {
        var window = RequestWindow()
        window.add(sample(20, arrived: 100, completed: 100, failed: 0, p99: 0.1))
        #expect(window.arrivalRate == Measured(5, at: 20, over: 20, by: .loadGenerator))
        #expect(window.previousArrivalRate == nil)
        // Windows that overlap: at 40 the one that ended at 20, not the one at 30, is the window before.
        window.add(sample(30, arrived: 140, completed: 140, failed: 0, p99: 0.1))
        #expect(window.previousArrivalRate?.time == 20)
        window.add(sample(40, arrived: 200, completed: 200, failed: 0, p99: 0.1))
        #expect(window.previousArrivalRate == Measured(5, at: 20, over: 20, by: .loadGenerator))
        // After a gap there is none.
        window.add(sample(100, arrived: 200, completed: 200, failed: 0, p99: 0.1))
        #expect(window.arrivalRate?.value == 10 && window.previousArrivalRate == nil)
    }

    @Test func withoutRequestsThereIsNoShareOfErrorsAndNoLatency() {
        var window = RequestWindow()
        window.add(sample(20, arrived: 0, completed: 0, failed: 0, p99: nil))
        #expect(window.arrivalRate?.value == 0 && window.throughput?.value == 0)
        #expect(window.errorShare == nil && window.latencyP99 == nil)
        window.add(sample(40, arrived: 10, completed: 8, failed: 2, p99: 0.3))
        #expect(window.errorShare?.value == 0.2)
        // More can fail than arrived: the rest came in the window before.
        window.add(sample(60, arrived: 1, completed: 0, failed: 3, p99: nil))
        #expect(window.errorShare?.value == 1)
        #expect(window.latencyP99 == Measured(0.3, at: 40, over: 20, by: .loadGenerator))
    }

    @Test func whatIsNotFiniteIsMissing() {
        var window = RequestWindow()
        var sample = RequestSample(time: 20, seconds: 20, source: .service)
        (sample.arrivalRate, sample.errorShare, sample.latencyP99) = (.nan, .infinity, .nan)
        window.add(sample)
        #expect(window == RequestWindow())
    }
}
