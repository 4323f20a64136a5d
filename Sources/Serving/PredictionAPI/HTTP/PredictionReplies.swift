import JSON
import Prediction

/// The server's replies.
enum PredictionReplies {
    /// To `POST /predict`: one prediction, or `predictions` for `instances`.
    static func predict(
        _ request: PredictRequest, _ predictions: [LatencyPredictor.Prediction],
        _ contributions: [LatencyPredictor.Contributions]?, _ predictor: LatencyPredictor
    ) -> [UInt8] {
        let (features, width) = (predictor.features, predictor.width)
        var writer = JSONWriter(capacity: 32 + predictions.count * (contributions == nil ? 96 : 640))
        func write(_ writer: inout JSONWriter, _ index: Int) {
            writer.raw("{")
            if let node = request.nodes[index] {
                writer.raw("\"node\":")
                writer.string(node)
                writer.raw(",")
            }
            writer.raw("\"score\":")
            writer.number(predictions[index].score)
            writer.raw(",\"p99\":")
            writer.number(predictions[index].p99)
            writer.raw(",\"risk\":")
            writer.number(predictions[index].risk)
            let unfamiliar = predictor.unfamiliar(
                request.rows[index * width..<(index + 1) * width], seldomMissing: 0.2)
            if !unfamiliar.isEmpty {
                writer.raw(",\"unfamiliar\":")
                writer.list(unfamiliar) { $0.string(features[$1]) }
            }
            if let contributions {
                writer.raw(",\"bias\":")
                writer.number(contributions[index].bias)
                writer.raw(",\"contributions\":{")
                for (feature, value) in contributions[index].features.enumerated() {
                    if feature > 0 { writer.raw(",") }
                    writer.string(features[feature])
                    writer.raw(":")
                    writer.number(value)
                }
                writer.raw("}")
            }
            writer.raw("}")
        }
        if request.isBatch {
            writer.raw("{\"predictions\":")
            writer.list(predictions.indices) { write(&$0, $1) }
            writer.raw("}")
        } else {
            write(&writer, 0)
        }
        return writer.bytes
    }

    /// To an inference request.
    static func infer(
        _ request: InferRequest, _ predictions: [LatencyPredictor.Prediction],
        _ contributions: [LatencyPredictor.Contributions]?, model: String, version: String, width: Int
    ) -> [UInt8] {
        var writer = JSONWriter(capacity: 256 + predictions.count * 24 * (request.outputs.count + width))
        writer.raw("{\"model_name\":")
        writer.string(model)
        writer.raw(",\"model_version\":")
        writer.string(version)
        if let id = request.id {
            writer.raw(",\"id\":")
            writer.string(id)
        }
        writer.raw(",\"outputs\":")
        writer.list(request.outputs.indices) { writer, index in
            let output = request.outputs[index]
            writer.raw("{\"name\":")
            writer.string(output.rawValue)
            writer.raw(",\"datatype\":\"FP64\",\"shape\":[")
            writer.integer(predictions.count)
            if output == .contributions {
                writer.raw(",")
                writer.integer(width + 1)
            }
            writer.raw("],\"data\":")
            switch output {
            case .p99: writer.list(predictions.indices) { $0.number(predictions[$1].p99) }
            case .risk: writer.list(predictions.indices) { $0.number(predictions[$1].risk) }
            case .score: writer.list(predictions.indices) { $0.number(predictions[$1].score) }
            case .contributions:
                let values = (contributions ?? []).flatMap { $0.features + [$0.bias] }
                writer.list(values.indices) { $0.number(values[$1]) }
            }
            writer.raw("}")
        }
        writer.raw("}")
        return writer.bytes
    }

    /// What happened, the oldest first.
    static func events(_ events: [EventLog.Event]) -> [UInt8] {
        JSONValue.object([
            "events": .array(
                events.map {
                    [
                        "time": .number($0.time), "kind": .string($0.kind.rawValue), "message": .string($0.message),
                    ]
                })
        ]).bytes
    }

    /// What the server is.
    static func server(version: String) -> [UInt8] {
        let value: JSONValue = ["name": "berth", "version": .string(version), "extensions": []]
        return value.bytes
    }

    /// What the model takes and gives.
    static func model(_ name: String, _ predictor: LatencyPredictor) -> [UInt8] {
        func tensor(_ name: String, _ type: String, _ shape: [Int64]) -> JSONValue {
            ["name": .string(name), "datatype": .string(type), "shape": .array(shape.map { .integer($0) })]
        }
        let width = Int64(predictor.width)
        let value: JSONValue = [
            "name": .string(name), "versions": [.string(predictor.version)], "platform": "xgboost",
            "inputs": [tensor("features", "FP32", [-1, width]), tensor("objective", "FP64", [-1])],
            "outputs": [
                tensor("p99", "FP64", [-1]), tensor("risk", "FP64", [-1]), tensor("score", "FP64", [-1]),
                tensor("contributions", "FP64", [-1, width + 1]),
            ],
            "parameters": [
                "features": .array(predictor.features.map { .string($0) }),
                "objective": .number(predictor.objective), "kind": .string(predictor.settings.kind.rawValue),
                "dataset": .string(predictor.datasetFingerprint),
            ],
        ]
        return value.bytes
    }
}
