import Foundation

/// A file of the fixtures folder.
func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
    return Array(try Data(contentsOf: folder.appendingPathComponent(name)))
}

/// What `work` returns once it returns something; `nil` where it does not within a minute.
func eventually<Value>(_ work: () async throws -> Value?) async throws -> Value? {
    for _ in 0..<600 {
        if let value = try await work() { return value }
        try await Task.sleep(for: .milliseconds(100))
    }
    return nil
}
