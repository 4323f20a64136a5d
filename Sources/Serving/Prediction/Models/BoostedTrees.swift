import CXGBoost
import Foundation
import Randomness

/// Regression trees of XGBoost, grown or read back. Predictions and contributions may be asked for from any thread at once.
package struct BoostedTrees: Sendable {
    /// Number of features.
    let width: Int
    private let booster: Booster
    /// The same trees, for predictions.
    private let flat: FlatTrees

    /// Grows trees.
    /// - Parameters:
    ///   - values: rows × width, NaN where missing.
    ///   - labels: one for each row, finite.
    package init(_ values: [Float], width: Int, labels: [Float], _ settings: PredictorSettings) throws {
        self.width = width
        let data = try Self.matrix(values, width: width)
        defer { XGDMatrixFree(data) }
        try xgboost(XGDMatrixSetFloatInfo(data, "label", labels, UInt64(labels.count)))
        // Features that are the same in all rows cannot split them; among those a split chooses from they would only
        // stand in the way of others.
        let varying = Self.varyingFeatures(values, width: width)
        try xgboost(XGDMatrixSetFloatInfo(data, "feature_weights", varying, UInt64(width)))
        let varyingShare = Double(max(1, varying.count { $0 > 0 })) / Double(width)
        booster = try Booster(of: [data])
        // A forest's leaf is the mean of its rows; shrinking it would leave a part that no further tree makes up for.
        let isForest = settings.kind == .forest
        let mean = labels.reduce(0) { $0 + Double($1) } / Double(max(1, labels.count))
        let parameters: KeyValuePairs<String, Any> = [
            "objective": "reg:squarederror", "tree_method": "hist", "max_bin": 1024, "base_score": mean, "verbosity": 0,
            "seed": settings.seed, "nthread": settings.threads, "max_depth": settings.depth,
            "eta": isForest ? 1 : settings.learningRate, "num_parallel_tree": isForest ? settings.trees : 1,
            "subsample": settings.rowShare, "colsample_bynode": settings.featureShare * varyingShare,
            "min_child_weight": settings.leafRows, "lambda": isForest ? 0 : settings.regularization,
        ]
        for (name, value) in parameters { try booster.set(name, "\(value)") }
        for round in 0..<(isForest ? 1 : settings.trees) {
            try xgboost(XGBoosterUpdateOneIter(booster.handle, Int32(round), data))
        }
        flat = try booster.flattened(FlatTrees(json: try booster.json(), width: width), width: width)
    }

    /// Reads trees back.
    /// - Parameter json: what `json` gave.
    /// - Throws: `PredictionError` for what is no model, or one of another number of features.
    init(json: String, width: Int) throws {
        self.width = width
        booster = try Booster(of: [])
        let bytes = Array(json.utf8)
        try xgboost(XGBoosterLoadModelFromBuffer(booster.handle, bytes, UInt64(bytes.count)))
        var features: bst_ulong = 0
        try xgboost(XGBoosterGetNumFeature(booster.handle, &features))
        guard Int(features) == width else {
            throw PredictionError(.unsound, "the trees are of \(features) features, expected \(width)")
        }
        flat = try booster.flattened(FlatTrees(json: bytes, width: width), width: width)
    }

    /// The trees as JSON text.
    package func json() throws -> String { String(decoding: try booster.json(), as: UTF8.self) }

    /// The trees' sums for rows.
    /// - Parameter values: rows × width, NaN where missing, none infinite.
    package func predict(_ values: [Float]) -> [Float] { flat.predict(values) }

    /// The same by XGBoost itself.
    package func predictByXGBoost(_ values: [Float]) throws -> [Float] { try booster.predict(values, width: width) }

    /// What each feature adds to each row's sum, by Shapley values (Lundberg et al., "Consistent individualized feature
    /// attribution for tree ensembles", 2018): rows × (width + 1), the last being what there is without any.
    func contributions(_ values: [Float]) throws -> [Float] {
        let rows = values.count / width
        precondition(values.count == rows * width, "rows of another width")
        guard rows > 0 else { return [] }
        let data = try Self.matrix(values, width: width)
        defer { XGDMatrixFree(data) }
        var (shape, dimensions): (UnsafePointer<bst_ulong>?, bst_ulong) = (nil, 0)
        var result: UnsafePointer<Float>?
        let configuration =
            "{\"type\":2,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false}"
        try xgboost(XGBoosterPredictFromDMatrix(booster.handle, data, configuration, &shape, &dimensions, &result))
        return Array(UnsafeBufferPointer(start: result, count: rows * (width + 1)))
    }

    /// The total gain of the splits on each feature, as shares of their sum.
    func importance() throws -> [Double] {
        var (names, shape): (UnsafeMutablePointer<UnsafePointer<CChar>?>?, UnsafePointer<bst_ulong>?) = (nil, nil)
        var (count, dimensions): (bst_ulong, bst_ulong) = (0, 0)
        var scores: UnsafePointer<Float>?
        try xgboost(
            XGBoosterFeatureScore(
                booster.handle, "{\"importance_type\":\"total_gain\"}", &count, &names, &dimensions, &shape, &scores))
        var result = [Double](repeating: 0, count: width)
        for index in 0..<Int(count) {
            // Without names of their own features are called f0, f1, …
            guard let name = names?[index].map({ String(cString: $0) }), let feature = Int(name.dropFirst()),
                result.indices.contains(feature)
            else { continue }
            result[feature] = Double(scores?[index] ?? 0)
        }
        let sum = result.reduce(0, +)
        return sum > 0 ? result.map { $0 / sum } : result
    }

    /// 1 for each feature that differs between rows, counting missing as a value of its own; 0 for the others.
    private static func varyingFeatures(_ values: [Float], width: Int) -> [Float] {
        (0..<width).map { feature in
            let first = values.indices.contains(feature) ? values[feature] : .nan
            let varies = stride(from: feature, to: values.count, by: width).contains {
                values[$0] != first && !(values[$0].isNaN && first.isNaN)
            }
            return varies ? 1 : 0
        }
    }

    private static func matrix(_ values: [Float], width: Int) throws -> DMatrixHandle {
        var made: DMatrixHandle?
        try xgboost(
            XGDMatrixCreateFromMat(values, bst_ulong(values.count / width), bst_ulong(width), .nan, &made))
        guard let made else { throw PredictionError(.training, "XGBoost made no matrix") }
        return made
    }
}

/// XGBoost's own model, freed with its last user.
///
/// Safe to share: of trees XGBoost computes predictions and contributions without changing the booster, and keeps results by
/// thread.
private final class Booster: Sendable {
    // Changed only by the code that makes it, before it is shared.
    nonisolated(unsafe) let handle: BoosterHandle

    /// A model without trees.
    /// - Parameter matrices: the data that it will be grown on.
    init(of matrices: [DMatrixHandle?]) throws {
        var made: BoosterHandle?
        try xgboost(XGBoosterCreate(matrices, UInt64(matrices.count), &made))
        guard let made else { throw PredictionError(.training, "XGBoost made no booster") }
        handle = made
    }

    deinit { XGBoosterFree(handle) }

    func set(_ name: String, _ value: String) throws { try xgboost(XGBoosterSetParam(handle, name, value)) }

    /// The model as JSON text.
    func json() throws -> [UInt8] {
        var (length, text): (bst_ulong, UnsafePointer<CChar>?) = (0, nil)
        try xgboost(XGBoosterSaveModelToBuffer(handle, "{\"format\": \"json\"}", &length, &text))
        guard let text else { throw PredictionError(.training, "XGBoost wrote no model") }
        return Array(UnsafeRawBufferPointer(start: text, count: Int(length)))
    }

    /// `trees`, if they predict what this model does: JSON is another program's format. The first prediction also configures
    /// the booster, which later calls then share without writing to it.
    func flattened(_ trees: FlatTrees, width: Int) throws -> FlatTrees {
        // Contributions are of few rows, on the thread that asks.
        try set("nthread", "1")
        var generator = RandomGenerator(seed: 1)
        var values = [Float](repeating: .nan, count: width)
        for _ in 0..<31 * width {
            values.append(generator.uniform() < 0.2 ? .nan : Float(generator.normal() * exp(3 * generator.normal())))
        }
        guard try predict(values, width: width) == trees.predict(values) else {
            throw PredictionError(
                .unsound, "the trees were written by a version of XGBoost that this program does not know")
        }
        return trees
    }

    /// The trees' sums for rows.
    func predict(_ values: [Float], width: Int) throws -> [Float] {
        let rows = values.count / width
        precondition(values.count == rows * width, "rows of another width")
        guard rows > 0 else { return [] }
        return try values.withUnsafeBufferPointer { values in
            // NumPy's array interface: where the numbers lie.
            let interface =
                "{\"data\":[\(UInt(bitPattern: values.baseAddress)),true],\"shape\":[\(rows),\(width)],"
                + "\"typestr\":\"<f4\",\"version\":3}"
            let configuration =
                "{\"type\":1,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,"
                + "\"cache_id\":0,\"missing\":NaN}"
            var (shape, dimensions): (UnsafePointer<bst_ulong>?, bst_ulong) = (nil, 0)
            var result: UnsafePointer<Float>?
            try xgboost(
                XGBoosterPredictFromDense(handle, interface, configuration, nil, &shape, &dimensions, &result))
            // The buffer is XGBoost's, one for each thread.
            return Array(UnsafeBufferPointer(start: result, count: rows))
        }
    }
}

/// Throws what a call of XGBoost says went wrong.
private func xgboost(_ status: Int32) throws {
    guard status != 0 else { return }
    let message = String(cString: XGBGetLastError())
    // The rest is a stack trace.
    throw PredictionError(.training, "XGBoost: \(message.split(separator: "\n").first ?? "failed")")
}
