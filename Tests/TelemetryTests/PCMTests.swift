import Windows
import HTTP
import JSON
import Telemetry
import TestServers
import Testing

/// README.md says where the fixtures come from.
@Suite struct PCMTests {
    private func counters(text: [UInt8]) throws -> PCMCounters {
        try PCMCounters(samples: try ExpositionParser.parse(text))
    }

    private func text(_ lines: String...) -> [UInt8] { Array((lines.joined(separator: "\n") + "\n").utf8) }

    private func expectTheFixturesFigures(_ figures: PCMFigures) {
        #expect(figures.seconds == 20)
        #expect(figures.instructionsPerCycle == 1.5)
        #expect(figures.cacheMissRatio == 0.25)
        #expect(figures.memoryBandwidth == 10e9)
        #expect(figures.packagePower == 100)
        #expect(figures.memoryPower == 15)
    }

    /// Threads, sockets and the system each carry the same counts: none is counted twice, in either form.
    @Test func textAndJSONSayTheSame() throws {
        let text = try counters(text: fixture("pcm-persecond-20.txt"))
        let json = try PCMCounters(parsingJSON: fixture("pcm-persecond-20.json"))
        #expect(text == json)
        #expect(text.seconds == 20)
        #expect(text.sockets.count == 2)
        #expect(text.total(.instructions) == 60e9)
        #expect(text.total(.l2Hits) == 90e6)
        #expect(text.total(.memoryReads) == 150e9)
        expectTheFixturesFigures(PCMFigures(text, seconds: 7, time: 100))
        expectTheFixturesFigures(PCMFigures(json, seconds: 7, time: 100))
    }

    @Test func addsUpThreadsWhereNoSumsAreGiven() throws {
        let lines = String(decoding: try fixture("pcm-persecond-20.txt"), as: UTF8.self).split(separator: "\n")
        let threads = lines.filter { !$0.contains("aggregate=") }.joined(separator: "\n") + "\n"
        expectTheFixturesFigures(PCMFigures(try counters(text: Array(threads.utf8)), seconds: 7, time: 100))
    }

    @Test func whatOneSocketLacksIsMissing() throws {
        let counters = try counters(
            text: text(
                #"Instructions_Retired_Any{socket="0",aggregate="socket",source="core"} 10"#,
                #"Clock_Unhalted_Thread{socket="0",aggregate="socket",source="core"} 20"#,
                #"DRAM_Reads{socket="0",source="uncore"} 100"#, #"DRAM_Writes{socket="0",source="uncore"} 100"#,
                #"Instructions_Retired_Any{socket="1",aggregate="socket",source="core"} 10"#,
                #"Clock_Unhalted_Thread{socket="1",aggregate="socket",source="core"} 20"#,
                #"DRAM_Reads{socket="1",source="uncore"} 100"#))
        #expect(counters.total(.memoryReads) == 200)
        #expect(counters.total(.memoryWrites) == nil)
        let figures = PCMFigures(counters, seconds: 10, time: 5)
        #expect(figures.seconds == 10)
        #expect(figures.instructionsPerCycle == 0.5)
        #expect(figures.memoryBandwidth == nil)
        #expect(figures.cacheMissRatio == nil)
        #expect(figures.packagePower == nil)
    }

    /// PCM writes 0 for what it cannot read, and huge numbers where a counter ran backwards.
    @Test func zeroesAndImpossibleValuesAreMissing() throws {
        let counters = try counters(
            text: text(
                "Measurement_Interval_in_us 20000000",
                #"Instructions_Retired_Any{socket="0",aggregate="socket",source="core"} 1.8e19"#,
                #"Clock_Unhalted_Thread{socket="0",aggregate="socket",source="core"} 40000000000"#,
                #"L3_Cache_Misses{socket="0",aggregate="socket",source="core"} 0"#,
                #"L3_Cache_Hits{socket="0",aggregate="socket",source="core"} 0"#,
                #"DRAM_Reads{socket="0",source="uncore"} 0"#, #"DRAM_Writes{socket="0",source="uncore"} 0"#,
                #"Package_Joules_Consumed{socket="0",source="uncore"} -1"#,
                #"DRAM_Joules_Consumed{socket="0",source="uncore"} NaN"#))
        #expect(PCMFigures(counters, seconds: 20, time: 0) == PCMFigures(time: 0, seconds: 20))
    }

    @Test func refusesWhatIsNotPCMs() throws {
        #expect(throws: PCMError.self) { try counters(text: text("up 1")) }
        #expect(throws: PCMError.self) { try PCMCounters(parsingJSON: Array("{}".utf8)) }
        #expect(throws: PCMError.self) { try PCMCounters(parsingJSON: Array(#"{"Sockets":[{}]}"#.utf8)) }
        #expect(throws: JSONError.self) { try PCMCounters(parsingJSON: Array(#"{"Sockets":{}}"#.utf8)) }
        let cut = try fixture("pcm-persecond-20.json").dropLast(20)
        #expect(throws: JSONError.self) { try PCMCounters(parsingJSON: Array(cut)) }
    }

    @Test func asksTheServerForAWindow() async throws {
        let json = String(decoding: try fixture("pcm-persecond-20.json"), as: UTF8.self)
        let text = String(decoding: try fixture("pcm-persecond-20.txt"), as: UTF8.self)
        let server = try TextServer { request in
            switch request.path {
            case "/persecond/20": .init(type: "application/json", body: json)
            case "/metrics", "/persecond/10": .init(type: "text/plain;version=0.0.4; charset=UTF-8", body: text)
            case "/persecond/5": .init(type: "text/html", body: "<html>")
            default: .init(status: 503, type: "text/plain", body: "no counters yet")
            }
        }
        let endpoint = PCMEndpoint(server: server.url + "/", timeout: 5, client: try HTTPClient())
        let figures = try await endpoint.window(at: 1_000)
        expectTheFixturesFigures(figures)
        #expect(figures.time == 1_000)
        // Whatever form was asked for, the reply says which one it has.
        expectTheFixturesFigures(try await endpoint.window(seconds: 10, at: 1_000))
        #expect(try await endpoint.sinceStart().total(.cycles) == 40e9)
        await #expect(throws: ScrapeError.self) { try await endpoint.window(seconds: 5, at: 0) }
        await #expect(throws: ScrapeError.self) { try await endpoint.window(seconds: 1, at: 0) }
        #expect(server.requests[0].accept == "application/json")
    }

    // MARK: CSV

    @Test func readsTheTableByScopeAndName() throws {
        let text = String(decoding: try fixture("pcm-repeated-scopes.csv"), as: UTF8.self)
        let rows = try PCMTable.rows(of: text, seconds: 20)
        #expect(rows.count == 3)
        expectTheFixturesFigures(rows[0])
        // 2026-11-21T05:48:20.25Z by `date -u`.
        #expect(rows[0].time == 1_795_240_100.25)
        #expect(rows[1].time == 1_795_240_120.25)
        // N/A is missing, and so is a sum with an N/A in it.
        #expect(rows[1].instructionsPerCycle == 1.6)
        #expect(rows[1].cacheMissRatio == 0.125)
        #expect(rows[1].memoryBandwidth == nil)
        #expect(rows[1].packagePower == nil)
        #expect(rows[1].memoryPower == 15)
        // So are zeros: no machine reads no memory for 20 s.
        #expect(rows[2].instructionsPerCycle == 1.8)
        #expect(rows[2].cacheMissRatio == nil)
        #expect(rows[2].memoryBandwidth == nil)
        #expect(rows[2].packagePower == nil)
    }

    @Test func readsOtherColumnsInAnotherOrder() throws {
        let text = String(decoding: try fixture("pcm-single-scopes.csv"), as: UTF8.self)
        let figures = try #require(try PCMTable.rows(of: text, seconds: 10, utcOffset: 3_600).first)
        #expect(figures.instructionsPerCycle == 0.8)
        #expect(abs((figures.cacheMissRatio ?? 0) - 0.1) < 1e-12)
        #expect(figures.memoryBandwidth == 1e9)
        #expect(figures.packagePower == 60)
        #expect(figures.memoryPower == nil)
        // 2026-03-01T01:00:05Z
        #expect(figures.time == 1_772_326_805)
    }

    @Test func followsATableAsItGrows() throws {
        let lines = String(decoding: try fixture("pcm-repeated-scopes.csv"), as: UTF8.self).split(separator: "\n")
        var table = PCMTable(seconds: 20)
        #expect(table.read(String(lines[0])) == nil)
        #expect(table.read(String(lines[1]) + "\r") == nil)
        let read = table.read(String(lines[2]))
        let row = try #require(read)
        #expect(row["System", "EXEC"] == 0.75)
        #expect(row["Socket 1", "IPC"] == 2)
        #expect(row["Socket 1", "FREQ"] == nil)
        #expect(table.skippedLines == 0)
        #expect(table.read("") == nil)
        #expect(table.read("something on standard error") == nil)
        #expect(table.read(String(lines[5])) == nil)
        #expect(table.skippedLines == 2)
        // A restarted pcm writes its header again.
        #expect(table.read("System,,,") == nil)
        #expect(table.read("Date,Time,IPC") == nil)
        #expect(table.read("2026-11-21,05:50:00,2.5")?["System", "IPC"] == 2.5)
        #expect(table.skippedLines == 2)
    }

    @Test func aTableNeedsAHeader() {
        #expect(throws: PCMError.self) { try PCMTable.rows(of: "2026-11-21,05:50:00,2.5\n", seconds: 20) }
        #expect(throws: PCMError.self) { try PCMTable.rows(of: "", seconds: 20) }
    }
}
