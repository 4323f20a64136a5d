import Prediction

/// A predictor's answers: those that are kept, and the others as they are computed.
struct PredictionCache: Sendable {
    private let settings: CacheSettings
    private let metrics: PredictionServerMetrics
    private let memory: MemoryStore
    private let redis: RedisStore?
    private let version: String

    /// - Parameter version: of the predictor.
    init(_ settings: CacheSettings, redis: RedisStore?, version: String, metrics: PredictionServerMetrics) {
        (self.settings, self.redis, self.version, self.metrics) = (settings, redis, version, metrics)
        memory = MemoryStore(capacity: settings.entries)
    }

    /// Predictions for rows, as `LatencyPredictor.predict`.
    func predictions(
        _ predictor: LatencyPredictor, _ rows: [Float], _ objectives: [Double]?
    ) throws -> [LatencyPredictor.Prediction] {
        let width = predictor.width
        let count = rows.count / width
        guard isWorthALook(.prediction, count) else { return try predictor.predict(rows, objectives: objectives) }
        let keys = (0..<count).map { index in
            CacheKey(
                .prediction, row: rows[index * width..<(index + 1) * width],
                objective: objectives?[index] ?? predictor.objective)
        }
        return try answers(keys, of: 3) { missing in
            let predictions = try predictor.predict(
                missing.flatMap { rows[$0 * width..<($0 + 1) * width] },
                objectives: objectives.map { objectives in missing.map { objectives[$0] } })
            return predictions.map { [$0.p99, $0.risk, $0.score] }
        }.map { LatencyPredictor.Prediction(p99: $0[0], risk: $0[1], score: $0[2]) }
    }

    /// Contributions for rows, as `LatencyPredictor.contributions`.
    func contributions(
        _ predictor: LatencyPredictor, _ rows: [Float]
    ) throws -> [LatencyPredictor.Contributions] {
        let width = predictor.width
        let count = rows.count / width
        guard isWorthALook(.contributions, count) else { return try predictor.contributions(rows) }
        let keys = (0..<count).map { CacheKey(.contributions, row: rows[$0 * width..<($0 + 1) * width]) }
        return try answers(keys, of: width + 1) { missing in
            try predictor.contributions(missing.flatMap { rows[$0 * width..<($0 + 1) * width] })
                .map { $0.features + [$0.bias] }
        }.map { LatencyPredictor.Contributions(bias: $0[width], features: Array($0.prefix(width))) }
    }

    private func isWorthALook(_ kind: CacheKey.Kind, _ rows: Int) -> Bool {
        rows <= settings.maximumRows && settings.settings(of: kind).seconds > 0
    }

    /// An answer of `length` numbers for each key.
    /// - Parameter compute: the answers for the keys at these indices.
    private func answers(
        _ keys: [CacheKey], of length: Int, compute: ([Int]) throws -> [[Double]]
    ) throws -> [[Double]] {
        guard let kind = keys.first?.kind else { return [] }
        let settings = settings.settings(of: kind)
        let redis = settings.redis ? redis : nil
        var answers = keys.map { memory.value(for: $0) ?? [] }
        var missing = answers.indices.filter { answers[$0].count != length }
        metrics.countCache(kind, "memory", keys.count - missing.count)
        // All rows together: a slow server is not waited for again and again.
        let deadline = ContinuousClock.now + .seconds(redis?.timeout ?? 0)
        if let redis, !missing.isEmpty {
            for index in missing where ContinuousClock.now < deadline {
                guard let value = redis.value(for: keys[index], version: version), value.count == length else {
                    continue
                }
                answers[index] = value
                memory.keep(value, for: keys[index], seconds: settings.seconds)
            }
            let left = missing.filter { answers[$0].count != length }
            metrics.countCache(kind, "redis", missing.count - left.count)
            missing = left
        }
        metrics.countCache(kind, "none", missing.count)
        guard !missing.isEmpty else { return answers }
        let isInTime = ContinuousClock.now < deadline
        for (index, value) in zip(missing, try compute(missing)) {
            answers[index] = value
            memory.keep(value, for: keys[index], seconds: settings.seconds)
        }
        guard let redis, isInTime else { return answers }
        let end = ContinuousClock.now + .seconds(redis.timeout)
        for index in missing where ContinuousClock.now < end {
            redis.keep(answers[index], for: keys[index], version: version, seconds: settings.seconds)
        }
        return answers
    }
}
