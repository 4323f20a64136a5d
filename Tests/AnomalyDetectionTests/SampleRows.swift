import AnomalyDetection
import Foundation
import Randomness

/// Rows of independent standard normal values around a point.
func normalRows(
    _ count: Int, width: Int, around centre: Float = 0, generator: inout RandomGenerator
) -> [Float] {
    (0..<count * width).map { _ in centre + Float(generator.normal()) }
}

/// The value as JSON, always in the same order.
func json(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return try encoder.encode(value)
}

/// The description of what a closure throws, empty when it throws nothing.
func message<Result>(_ body: () throws -> Result) -> String {
    do {
        _ = try body()
        return ""
    } catch { return "\(error)" }
}
