import Foundation
import LoadGeneration
import Randomness
import Synchronization
import Testing
import Workloads

/// The generator against a server of the test's own. Times are lower bounds that the server itself enforces: a machine
/// that is busy makes everything later, never earlier.
@Suite(.serialized) struct LoadGeneratorTests {
    private func settings(_ targets: [String], rate: Double, duration: Double) -> LoadSettings {
        var settings = LoadSettings()
        settings.targets = targets
        (settings.rate, settings.duration, settings.arrivals) = (rate, duration, .even)
        (settings.objective, settings.timeout) = (30, 60)
        return settings
    }

    private func finish(_ generator: LoadGenerator) async throws -> LoadInterval {
        #expect(try await eventually { generator.isFinished })
        return generator.harvest()
    }

    @Test(arguments: [ConnectionUse.fresh, .reused])
    func everyRequestIsSentOnceAndCounted(_ connections: ConnectionUse) async throws {
        let server = try TestServer()
        var settings = settings([server.url("/a"), server.url("/b")], rate: 300, duration: 1)
        settings.arrivals = .poisson
        settings.seed = 7
        settings.connections = connections
        var schedule = try ArrivalSchedule(settings)
        var due = 0
        while schedule.next() != nil { due += 1 }

        let generator = try LoadGenerator(settings)
        let first = try await {
            while !generator.isFinished, server.paths.count < due / 2 { try await Task.sleep(for: .milliseconds(5)) }
            return generator.harvest()
        }()
        let second = try await finish(generator)
        let all = first.followed(by: second)
        #expect(all.arrived == due && all.completed == due)
        #expect(all.rejected == 0 && all.timedOut == 0 && all.inFlight == 0 && all.overObjective == 0)
        #expect(all.finished.count == due && all.sendDelays.count == due)
        #expect(first.arrived + second.arrived == due && first.end == second.start && first.start == 0)
        #expect(server.paths.count == due)
        // Targets are drawn from stream 3 of the seed, one draw a request.
        var draws = RandomGenerator(seed: 7, stream: 3)
        let expected = (0..<due).filter { _ in draws.index(below: 2) == 0 }.count
        #expect(server.paths.filter { $0 == "/a" }.count == expected)
        #expect(all.targets.mapValues(\.count) == [server.url("/a"): expected, server.url("/b"): due - expected])
        if connections == .fresh { #expect(server.connections == due) } else { #expect(server.connections < due) }
        #expect(generator.harvest().arrived == 0)
    }

    /// 600 requests, evenly over 3 s, and a server that does nothing for 1 s: the 200 requests that fall into the stall
    /// wait from 1 s down to nothing, so P(latency > x) = (1 - x) / 3 for x < 1 s, whatever the answers take otherwise.
    @Test func aStallIsChargedToAllThatWouldHaveCome() async throws {
        let stall = Mutex(())
        let server = try TestServer { index, _ in
            stall.withLock { _ in
                if index == 200 { usleep(1_000_000) }
            }
            return .status(200)
        }
        let generator = try LoadGenerator(settings([server.url()], rate: 200, duration: 3))
        let run = try await finish(generator)
        #expect(run.arrived == 600 && run.completed == 600)
        // Half a spacing and the resolution of the histogram below the closed form.
        for quantile in [0.7, 0.8, 0.9, 0.95, 0.99] {
            let latency = try #require(run.latency(quantile: quantile))
            #expect(latency >= 1 - 3 * (1 - quantile) - 0.0051)
        }
        // What a generator that waits for its answers would have seen: one slow request in 401.
        let late = run.arrived - run.finished.count(atOrBelow: 0.5)
        #expect(late >= 99)
    }

    @Test func requestsInFlightCountOnceWhenTheyPassTheObjective() async throws {
        let server = try TestServer { _, _ in .held }
        var settings = settings([server.url()], rate: 100, duration: 0.4)
        settings.objective = 0.2
        let generator = try LoadGenerator(settings)
        #expect(try await eventually { server.paths.count == 40 })
        try await Task.sleep(for: .milliseconds(250))
        let held = generator.harvest()
        #expect(held.arrived == 40 && held.inFlight == 40 && held.completed == 0)
        #expect(held.overObjective == 40)
        #expect(held.finished.count == 0)
        let age = try #require(held.p50)
        #expect(age >= 0.25)
        #expect(generator.harvest().overObjective == 0)
        server.release()
        let rest = try await finish(generator)
        #expect(rest.completed == 40 && rest.overObjective == 0 && rest.inFlight == 0)
        #expect(held.followed(by: rest).finished.count == 40)
    }

    @Test func lateAnswersAreOverTheObjective() async throws {
        let server = try TestServer { index, _ in
            if index % 4 == 0 { usleep(80_000) }
            return .status(200)
        }
        var settings = settings([server.url()], rate: 50, duration: 0.8)
        settings.objective = 0.08
        let run = try await finish(try LoadGenerator(settings))
        #expect(run.completed == 40)
        // All of the slow ones; on a busy machine others too.
        #expect(run.overObjective >= 10)
        #expect(run.finished.count - run.finished.count(atOrBelow: 0.0795) >= 10)
    }

    @Test func whatGetsNoAnswerTimesOut() async throws {
        let server = try TestServer { _, path in path == "/held" ? .held : .status(200) }
        var settings = settings([server.url("/held")], rate: 50, duration: 0.4)
        settings.timeout = 0.3
        let run = try await finish(try LoadGenerator(settings))
        #expect(run.arrived == 20 && run.timedOut == 20 && run.completed == 0)
        // The objective is longer than the time-out; what timed out misses it all the same.
        #expect(run.overObjective == 20)
        // libcurl counts whole milliseconds.
        #expect(run.finished.count == 20 && run.finished.count(atOrBelow: 0.298) == 0)
    }

    @Test func refusalsErrorsAndBrokenAnswersAreRejections() async throws {
        let server = try TestServer { index, path in
            path == "/broken" ? .broken : .status([500, 503, 404, 200][index % 4])
        }
        let refused = "http://127.0.0.1:\(try TestServer.closedPort())/"
        let first = try await finish(try LoadGenerator(settings([refused], rate: 100, duration: 0.2)))
        #expect(first.rejections.connection == 20 && first.rejected == 20 && first.overObjective == 20)
        #expect(first.p99 == nil)
        let second = try await finish(try LoadGenerator(settings([server.url()], rate: 100, duration: 0.2)))
        #expect(second.rejections.status == 15 && second.completed == 5 && second.overObjective == 15)
        #expect(second.finished.count == 5)
        let third = try await finish(try LoadGenerator(settings([server.url("/broken")], rate: 100, duration: 0.2)))
        #expect(third.rejections.connection == 20 && third.completed == 0)
    }

    @Test func targetsCanBeReplacedWhileItRuns() async throws {
        let (old, new) = (try TestServer(), try TestServer())
        let generator = try LoadGenerator(settings([], rate: 200, duration: 2))
        #expect(try await eventually { generator.harvest().rejections.withoutTarget > 0 || generator.isFinished })
        try generator.setTargets([old.url()])
        let before = generator.harvest()
        #expect(try await eventually { old.paths.count > 10 || generator.isFinished })
        try generator.setTargets([new.url()])
        // Whatever is due after this goes to the new server.
        let middle = generator.harvest()
        let rest = try await finish(generator)
        #expect(rest.rejected == 0 && new.paths.count >= rest.arrived)
        #expect(old.paths.count + new.paths.count + before.rejected <= 400)
        #expect(old.paths.count <= before.arrived + middle.arrived)
        #expect(rest.completed + middle.completed + before.completed == old.paths.count + new.paths.count)
        #expect(throws: LoadError.self) { try generator.setTargets(["127.0.0.1:80"]) }
    }

    @Test func outstandingRequestsAreBounded() async throws {
        let server = try TestServer { _, _ in .held }
        var settings = settings([server.url()], rate: 100, duration: 0.3)
        settings.maximumOutstanding = 4
        let generator = try LoadGenerator(settings)
        var run = generator.harvest()
        #expect(
            try await eventually {
                run = run.followed(by: generator.harvest())
                return run.arrived == 30 && server.paths.count == 4
            })
        #expect(run.rejections.beyondLimit == 26 && run.inFlight == 4 && run.overObjective == 26)
        server.release()
        #expect(try await finish(generator).completed == 4)
    }

    @Test func stoppingEndsTheRunWhereItIs() async throws {
        let server = try TestServer { _, _ in .held }
        let generator = try LoadGenerator(settings([server.url()], rate: 100, duration: 3600))
        #expect(try await eventually { server.paths.count >= 10 })
        generator.stop()
        #expect(generator.isFinished)
        let run = generator.harvest()
        #expect(run.arrived >= 10 && run.inFlight == run.arrived && run.overObjective == 0)
        server.release()
        // Nothing moves any more, however long one waits.
        try await Task.sleep(for: .milliseconds(100))
        let later = generator.harvest()
        #expect(later.arrived == 0 && later.completed == 0 && later.inFlight == run.inFlight)
        #expect(later.start == run.end && later.end == run.end)
    }

    @Test func headersAreSent() async throws {
        let server = try TestServer()
        var settings = settings([server.url("/page?a=b")], rate: 10, duration: 0.1)
        settings.headers = ["Accept-Encoding": "gzip", "Host": "shop.example"]
        #expect(try await finish(try LoadGenerator(settings)).completed == 1)
        let head = try #require(server.heads.first)
        #expect(head.hasPrefix("GET /page?a=b HTTP/1.1\r\n"))
        #expect(head.contains("\r\nAccept-Encoding: gzip\r\n") && head.contains("\r\nHost: shop.example\r\n"))
    }

    @Test func moreConnectionsThanFilesAreRefused() throws {
        var limit = rlimit()
        #expect(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        var settings = settings(["http://127.0.0.1:9/"], rate: 1, duration: 1)
        settings.maximumOutstanding = 100_000
        if limit.rlim_cur < 100_000 {
            #expect(throws: LoadError.self) { try LoadGenerator(settings) }
        } else {
            try LoadGenerator(settings).stop()
        }
    }
}
