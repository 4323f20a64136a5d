import Foundation

/// Results as JSON files that people read too.
public enum JSONFile {
    /// Writes `value`, keys sorted and indented, in place of a file that is there.
    /// - Throws: `ExperimentError` with the code `unwritable`.
    public static func write(_ value: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try OutputFile.write(try encoder.encode(value) + [0x0A], to: path)
    }
}
