import Foundation
import Hummingbird
import HummingbirdTesting
import Monitoring
import NIOCore
import PredictionAPI
import TestServers
import Testing

@Suite struct CacheTests {
    private let body = #"{"metrics": {"cpu_used": 0.5, "replica_rate": 0.25}, "contributions": true}"#

    private func ask(_ client: any TestClientProtocol, _ body: String) async throws -> String {
        try await client.execute(uri: "/predict", method: .post, body: ByteBuffer(string: body)) { response in
            #expect(response.status == .ok)
            return String(buffer: response.body)
        }
    }

    private func metric(_ client: any TestClientProtocol, _ name: String) async throws -> Int {
        let page = try await client.execute(uri: "/metrics", method: .get) { String(buffer: $0.body) }
        guard let line = page.split(separator: "\n").first(where: { $0.hasPrefix(name + " ") }) else { return 0 }
        return Int(line.split(separator: " ")[1]) ?? -1
    }

    private func lookups(
        _ client: any TestClientProtocol, _ kind: String, _ found: String
    ) async throws -> Int {
        try await metric(client, #"berth_predictor_cache_lookups_total{kind="\#(kind)",found="\#(found)"}"#)
    }

    @Test func theSameQuestionIsComputedOnce() async throws {
        try await sampleServer().application().test(.router) { client in
            let first = try await ask(client, body)
            #expect(try await ask(client, body) == first)
            #expect(try await lookups(client, "prediction", "none") == 1)
            #expect(try await lookups(client, "prediction", "memory") == 1)
            #expect(try await lookups(client, "contributions", "memory") == 1)
            // Another objective is another question about the same contributions.
            let other = try await ask(client, body.replacing("}, ", with: #"}, "objective": 0.123, "#))
            #expect(other != first)
            #expect(try await lookups(client, "prediction", "none") == 2)
            #expect(try await lookups(client, "contributions", "memory") == 2)
        }
    }

    @Test func answersGrowOldAndRowsMayBeTooMany() async throws {
        let server = try sampleServer { settings in
            settings.cache.predictions.seconds = 0.05
            settings.cache.contributions.seconds = 0
            settings.cache.maximumRows = 2
        }
        try await server.application().test(.router) { client in
            let first = try await ask(client, body)
            try await Task.sleep(for: .milliseconds(100))
            #expect(try await ask(client, body) == first)
            #expect(try await lookups(client, "prediction", "none") == 2)
            #expect(try await lookups(client, "contributions", "none") == 0)
            let row = #"{"metrics": {"cpu_used": 0.5}}"#
            _ = try await ask(client, #"{"instances": [\#(row), \#(row), \#(row)]}"#)
            #expect(try await lookups(client, "prediction", "none") == 2)
        }
    }

    /// Every answer is the one that is computed.
    @Test func memoryIsBounded() async throws {
        let (small, none) = (
            try sampleServer { $0.cache.entries = 10 }, try sampleServer { $0.cache.predictions.seconds = 0 }
        )
        try await small.application().test(.router) { client in
            try await none.application().test(.router) { other in
                for number in 0..<300 {
                    let body = #"{"metrics": {"cpu_used": \#(Double(number % 30) / 30)}}"#
                    let (kept, computed) = (try await ask(client, body), try await ask(other, body))
                    #expect(kept == computed)
                }
            }
            // Thirty rows in turn never stay in a cache of ten.
            #expect(try await lookups(client, "prediction", "none") == 300)
        }
    }

    // MARK: Redis

    private func redisServer(
        _ port: Int, passwordFile: String = "", timeout: Double = 5
    ) throws -> PredictionServer {
        try sampleServer { settings in
            var redis = RedisSettings()
            (redis.port, redis.timeout, redis.retry, redis.passwordFile) = (port, timeout, 0.1, passwordFile)
            settings.cache.redis = redis
            settings.cache.predictions = CacheKindSettings(seconds: 60, redis: true)
        }
    }

    /// Waits until Redis is connected or not; asks meanwhile, since the connection is made when one asks.
    private func waitUntilConnected(_ client: any TestClientProtocol, _ isConnected: Bool) async throws {
        var number = 0
        while try await metric(client, "berth_predictor_redis_connected") != (isConnected ? 1 : 0) {
            number += 1
            _ = try await ask(client, #"{"metrics": {"pods": \#(number)}}"#)
            try await Task.sleep(for: .milliseconds(20))
            try #require(number < 1_000, "Redis is \(isConnected ? "not " : "")connected after 20 s")
        }
    }

    @Test(.enabled(if: RedisServer.isAvailable, "scripts/setup.sh --test installs Redis"))
    func anotherServerFindsAnswersInRedis() async throws {
        let redis = try RedisServer()
        let first = try await redisServer(redis.port).application().test(.router) { client in
            try await waitUntilConnected(client, true)
            return try await ask(client, body)
        }
        try await redisServer(redis.port).application().test(.router) { client in
            try await waitUntilConnected(client, true)
            #expect(try await ask(client, body) == first)
            #expect(try await lookups(client, "prediction", "redis") >= 1)
            #expect(try await lookups(client, "contributions", "redis") == 1)
            #expect(try await lookups(client, "contributions", "none") == 0)
        }
    }

    @Test(.enabled(if: RedisServer.isAvailable, "scripts/setup.sh --test installs Redis"))
    func losingRedisCostsNoAnswer() async throws {
        let redis = try RedisServer()
        try await redisServer(redis.port, timeout: 0.2).application().test(.router) { client in
            try await waitUntilConnected(client, true)
            let first = try await ask(client, body)
            // It hangs.
            redis.send(SIGSTOP)
            try await waitUntilConnected(client, false)
            #expect(try await ask(client, body) == first)
            // It is gone.
            redis.stop()
            for number in 0..<50 { _ = try await ask(client, #"{"metrics": {"replica_rate": \#(number)}}"#) }
            #expect(try await metric(client, "berth_predictor_redis_failures_total") > 0)
            // It is back, at the same place.
            let again = try RedisServer(port: redis.port)
            try await waitUntilConnected(client, true)
            #expect(try await ask(client, body) == first)
            again.stop()
            try await waitUntilConnected(client, false)
        }
    }

    @Test(.enabled(if: RedisServer.isAvailable, "scripts/setup.sh --test installs Redis"))
    func redisAsksForItsPassword() async throws {
        let redis = try RedisServer(password: "open sesame")
        let file = FileManager.default.temporaryDirectory.appending(path: "berth-redis-\(UUID().uuidString)")
        try Data("open sesame\n".utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try await redisServer(redis.port, passwordFile: file.path).application().test(.router) { client in
            try await waitUntilConnected(client, true)
            _ = try await ask(client, body)
            #expect(try await metric(client, "berth_predictor_redis_failures_total") == 0)
        }
        // Without it every command is refused, and every answer computed.
        try await redisServer(redis.port).application().test(.router) { client in
            var number = 0
            while try await metric(client, "berth_predictor_redis_failures_total") < 2, number < 1_000 {
                number += 1
                _ = try await ask(client, #"{"metrics": {"replica_rate": \#(number)}}"#)
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(number < 1_000)
            #expect(try await metric(client, "berth_predictor_redis_connected") == 0)
            #expect(try await lookups(client, "prediction", "redis") == 0)
        }
    }
}
