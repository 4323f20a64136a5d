public import Foundation

/// Files of results.
public enum OutputFile {
    /// Writes a file whole or not at all, in place of one that is there.
    /// - Throws: `ExperimentError` with the code `unwritable`.
    public static func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw ExperimentError(.unwritable, "cannot write \(path): \(error.localizedDescription)")
        }
    }
}
