import Foundation

/// Files of results.
enum OutputFile {
    /// Writes a file whole or not at all, in place of one that is there.
    static func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw CommandFailure(message: "cannot write \(path): \(error.localizedDescription)")
        }
    }
}
