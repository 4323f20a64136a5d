import Foundation
import Synchronization

/// A file of JSON objects, one a line, that only grows.
final class LineFile: Sendable {
    private let file: Mutex<FileHandle>
    private let path: String
    /// What it is called in messages.
    private let name: String

    /// Opens the file for appending; it is made where there is none.
    /// - Throws: `LiveError` naming the path.
    init(path: String, name: String) throws {
        (self.path, self.name) = (path, name)
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw LiveError(
                .log, "\(path): the \(name) cannot be opened: \(String(cString: strerror(errno))); name a writable file"
            )
        }
        file = Mutex(FileHandle(fileDescriptor: descriptor, closeOnDealloc: true))
        try endBrokenLine()
    }

    /// Ends a line that a program was killed in, so that the next one stands by itself.
    private func endBrokenLine() throws {
        // What is no regular file has no lines to look at.
        guard let reader = FileHandle(forReadingAtPath: path), let end = try? reader.seekToEnd(), end > 0,
            (try? reader.seek(toOffset: end - 1)) != nil, let last = try? reader.read(upToCount: 1),
            last != Data("\n".utf8)
        else { return }
        do { try file.withLock { try $0.write(contentsOf: Data("\n".utf8)) } } catch {
            throw LiveError(.log, "\(path): the \(name) cannot be written: \(error)")
        }
    }

    /// Appends a line for each of `values`, in one write.
    /// - Throws: `LiveError` where they cannot be written.
    func append(_ values: [some Encodable]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            var lines = Data()
            for value in values { lines += try encoder.encode(value) + Data("\n".utf8) }
            try file.withLock { try $0.write(contentsOf: lines) }
        } catch {
            throw LiveError(.log, "\(path): the \(name) cannot be written: \(error)")
        }
    }
}
