public import Checkpoints
public import Cluster
import Foundation
import Gym
import NeuralNetworks
import Randomness

/// The parts of a checkpoint that every learner writes alike; docs/checkpoint-format.md lists the paths.
extension Checkpoint {
    /// Stores the names of the features that the observations consist of, under `schema`.
    public mutating func setSchema(_ schema: FeatureSchema) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        self["schema"] = .text(String(decoding: try encoder.encode(schema), as: UTF8.self))
    }

    /// Refuses a checkpoint whose observations consist of other features than `expected`.
    /// - Throws: `CheckpointError` that names the first feature that differs.
    public func requireSchema(_ expected: FeatureSchema) throws {
        if let difference = expected.difference(from: try schema()) {
            throw CheckpointError(
                .mismatch, path: "schema",
                problem: "the policy was trained on other observations: \(difference); train it again, or use the "
                    + "version of the project that made it (\(projectVersion))")
        }
    }

    /// The names of the features that the observations consist of.
    /// - Throws: `CheckpointError` when there are none, as in runs outside clusters.
    package func schema() throws -> FeatureSchema {
        do {
            return try JSONDecoder().decode(FeatureSchema.self, from: Data(try text("schema").utf8))
        } catch is DecodingError {
            throw CheckpointError(.unsound, path: "schema", problem: "is not a feature schema in JSON")
        }
    }

    /// The encoder of the observations that the policy was trained on.
    /// - Parameter predictor: used if the policy was trained with predictions.
    /// - Throws: `CheckpointError` when it was and there is no predictor, or when it was trained on other features.
    func encoder(_ predictor: PlacementPredictor?) throws -> ObservationEncoder {
        let schema = try schema()
        guard ObservationEncoder.schemaWithPredictions == schema else {
            try requireSchema(ObservationEncoder.schema)
            return ObservationEncoder()
        }
        guard let predictor else {
            throw CheckpointError(
                .mismatch, path: "predictor", problem: "is missing: the policy was trained with predictions of p99")
        }
        return ObservationEncoder(predictor: predictor)
    }

    /// The path of a named part of the parameters: `actor.0.weight` is at `policy/actor/0/weight`.
    package static func path(ofParameter name: String) -> String {
        "policy/" + name.replacing(".", with: "/")
    }

    /// Whether any part of the network is called `name` or begins with it and a dot.
    package func hasParameters(_ name: String) -> Bool {
        let path = Self.path(ofParameter: name)
        return values.keys.contains { $0 == path || $0.hasPrefix("\(path)/") }
    }

    mutating func setParameters(_ parameters: [Float], _ layout: ParameterLayout) {
        for entry in layout.entries {
            self[Self.path(ofParameter: entry.name)] = .float32(Array(parameters[entry.range]), shape: entry.shape)
        }
    }

    func parameters(_ layout: ParameterLayout) throws -> [Float] {
        try layout.entries.flatMap { try floats(Self.path(ofParameter: $0.name), shape: $0.shape) }
    }

    mutating func setGenerators(_ generators: [RandomGenerator], at path: String) {
        self[path] = .uint64(generators.flatMap(\.state), shape: [generators.count, 4])
    }

    func generators(_ count: Int, at path: String) throws -> [RandomGenerator] {
        let words = try words(path, shape: [count, 4])
        return try (0..<count).map { index in
            guard let generator = RandomGenerator(state: Array(words[index * 4..<index * 4 + 4])) else {
                throw CheckpointError(
                    .unsound, path: path, problem: "row \(index) is not the state of a generator: it is zero")
            }
            return generator
        }
    }

    mutating func setStatistics(_ statistics: RunningStatistics, at path: String) {
        self["\(path)/count"] = .float64([statistics.count], shape: [])
        self["\(path)/mean"] = .float64(statistics.mean, shape: [statistics.width])
        self["\(path)/squared_deviations"] = .float64(statistics.squaredDeviations, shape: [statistics.width])
        guard let extremes = statistics.extremes else { return }
        self["\(path)/minimum"] = .float64(extremes.minimum, shape: [statistics.width])
        self["\(path)/maximum"] = .float64(extremes.maximum, shape: [statistics.width])
    }

    func statistics(width: Int, at path: String) throws -> RunningStatistics {
        let count = try double("\(path)/count")
        let mean = try doubles("\(path)/mean", shape: [width])
        let squares = try doubles("\(path)/squared_deviations", shape: [width])
        guard
            let statistics = RunningStatistics(
                count: count, mean: mean, squaredDeviations: squares, extremes: try extremes(width: width, at: path))
        else {
            throw CheckpointError(.unsound, path: path, problem: "holds a value that is negative or not finite")
        }
        return statistics
    }

    /// The extremes of statistics; `nil` in a checkpoint that was written before they were kept.
    private func extremes(width: Int, at path: String) throws -> RunningStatistics.Extremes? {
        guard self["\(path)/minimum"] != nil || self["\(path)/maximum"] != nil else { return nil }
        let minimum = try doubles("\(path)/minimum", shape: [width])
        let maximum = try doubles("\(path)/maximum", shape: [width])
        guard let extremes = RunningStatistics.Extremes(minimum: minimum, maximum: maximum) else {
            throw CheckpointError(
                .unsound, path: "\(path)/minimum",
                problem: "holds a value that is not finite or above that of \(path)/maximum")
        }
        return extremes
    }

    mutating func setNormalizer(_ normalizer: BatchNormalizer) {
        for (index, kind) in normalizer.kinds.enumerated() {
            setStatistics(kind.statistics, at: "normalizer/observations/\(index)")
            self["normalizer/observations/\(index)/clip"] = .float64([Double(kind.clip)], shape: [])
        }
    }

    /// The normaliser of rows of these widths; `nil` when the checkpoint holds none.
    package func normalizer(widths: [Int]) throws -> BatchNormalizer? {
        guard values.keys.contains(where: { $0.hasPrefix("normalizer/observations/") }) else { return nil }
        var normalizer = BatchNormalizer(widths: widths)
        for (index, width) in widths.enumerated() {
            let path = "normalizer/observations/\(index)"
            var kind = ObservationNormalizer(width: width, clip: Float(try double("\(path)/clip")))
            kind.statistics = try statistics(width: width, at: path)
            normalizer.kinds[index] = kind
        }
        return normalizer
    }

    /// The normaliser of a run that has one like `present`, or none where that is `nil`.
    /// - Throws: `CheckpointError` when only one of the two has one.
    func normalizer(like present: BatchNormalizer?, widths: [Int]) throws -> BatchNormalizer? {
        let stored = try normalizer(widths: widths)
        guard (stored == nil) == (present == nil) else {
            throw CheckpointError(
                .mismatch, path: "normalizer/observations",
                problem: "is \(stored == nil ? "missing" : "present"), but normalizesObservations is "
                    + "\(present != nil): resume with the configuration of the run")
        }
        return stored
    }

    mutating func setOptimizer(_ optimizer: AdamOptimizer) {
        let shape = [optimizer.firstMoment.count]
        self["optimizer/step"] = .int64([Int64(optimizer.step)], shape: [])
        self["optimizer/first_moment"] = .float32(optimizer.firstMoment, shape: shape)
        self["optimizer/second_moment"] = .float32(optimizer.secondMoment, shape: shape)
    }

    func restore(_ optimizer: inout AdamOptimizer) throws {
        let shape = [optimizer.firstMoment.count]
        let step = try count("optimizer/step")
        let first = try floats("optimizer/first_moment", shape: shape)
        let second = try floats("optimizer/second_moment", shape: shape)
        guard optimizer.restore(step: step, firstMoment: first, secondMoment: second) else {
            throw CheckpointError(.mismatch, path: "optimizer", problem: "does not fit this network")
        }
    }

    mutating func setRewardScaler(_ scaler: RewardScaler) {
        setStatistics(scaler.statistics, at: "normalizer/returns")
        self["normalizer/returns/discounted"] = .float64(scaler.returns, shape: [scaler.returns.count])
    }

    func restore(_ scaler: inout RewardScaler) throws {
        let statistics = try statistics(width: 1, at: "normalizer/returns")
        scaler.returns = try doubles("normalizer/returns/discounted", shape: [scaler.returns.count])
        scaler.statistics = statistics
    }

    mutating func setProgress(steps: Int, iterations: Int, episodes: Int) {
        self["progress/steps"] = .int64([Int64(steps)], shape: [])
        self["progress/iterations"] = .int64([Int64(iterations)], shape: [])
        self["progress/episodes"] = .int64([Int64(episodes)], shape: [])
    }

    func progress() throws -> (steps: Int, iterations: Int, episodes: Int) {
        (try count("progress/steps"), try count("progress/iterations"), try count("progress/episodes"))
    }

    /// The scalar at `path`, which must be an integer from 0 up.
    func count(_ path: String) throws -> Int {
        let value = try integer(path)
        guard value >= 0 else {
            throw CheckpointError(.unsound, path: path, problem: "is \(value), expected 0 or more")
        }
        return Int(value)
    }
}
