import Foundation

/// Results as JSON files that people read too.
enum JSONFile {
    /// Writes `value`, keys sorted and indented, in place of a file that is there.
    static func write(_ value: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(value)
        do {
            try (data + [0x0A]).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw CommandFailure(message: "cannot write \(path): \(error.localizedDescription)")
        }
    }
}
