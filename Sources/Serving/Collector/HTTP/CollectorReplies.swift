import Windows
import Foundation
import Telemetry

/// Replies as JSON. What is missing is `null`, so that no reader takes it for zero or for forgotten.
enum CollectorReplies {
    /// A window that has begun or is under way.
    static func started(_ window: CollectedWindow) throws -> [UInt8] {
        struct Reply: Encodable {
            var id: String
            var node: String
            var start: Double
            var end: Double
        }
        return try encode(Reply(id: window.id, node: window.node, start: window.start, end: window.end))
    }

    /// A finished window.
    static func window(_ window: CollectedWindow, _ result: NodeWindow, at now: Double) throws -> [UInt8] {
        struct Value: Encodable {
            var value: Double
            var unit: String
            var source: String
            var age: Double
            var seconds: Double
        }
        struct Reply: Encodable {
            var id: String
            var node: String
            var start: Double
            var end: Double
            var fields: [String: Value?]
            var errors: [String: String]
        }
        var fields: [String: Value?] = [:]
        for field in NodeWindow.Field.allCases {
            let value = result[field].map {
                Value(
                    value: $0.value, unit: field.unit, source: $0.source.rawValue, age: $0.age(at: now),
                    seconds: $0.seconds)
            }
            fields.updateValue(value, forKey: field.rawValue)
        }
        return try encode(
            Reply(
                id: window.id, node: window.node, start: window.start, end: window.end, fields: fields,
                errors: window.errors))
    }

    /// What is wrong with a request.
    static func error(_ message: String) throws -> [UInt8] {
        try encode(["error": message])
    }

    private static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }
}
