import Glibc

/// The file around the HDF5 data: header, checksum, temporary name, sync and rename.
enum CheckpointFile {
    /// Deepest nesting of groups that is written and read.
    static let deepestPath = 32

    static func systemError(_ file: String, _ action: String) -> CheckpointError {
        CheckpointError(.system, file: file, problem: "cannot \(action): \(String(cString: strerror(errno)))")
    }

    /// Splits a path into its folder and its last part.
    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = String(path[..<slash])
        return (folder.isEmpty ? "/" : folder, String(path[path.index(after: slash)...]))
    }

    /// Adds the header to a file whose HDF5 part is complete, and brings all of it to the disk.
    static func seal(_ path: String) throws(CheckpointError) {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError(path, "open") }
        defer { close(descriptor) }
        let (length, checksum) = try sum(descriptor, file: path)
        let header = CheckpointHeader(length: length, checksum: checksum).bytes
        guard pwrite(descriptor, header, header.count, 0) == header.count else { throw systemError(path, "write") }
        guard fsync(descriptor) == 0 else { throw systemError(path, "bring to the disk") }
    }

    /// Checks a file's header against its contents.
    /// - Returns: bytes after the header, a bound on what the file can hold.
    static func verify(_ path: String) throws(CheckpointError) -> Int {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError(path, "open") }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: CheckpointHeader.byteCount)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count >= 0 else { throw systemError(path, "read") }
        let header = try CheckpointHeader(Array(bytes.prefix(count)), file: path)
        let (length, checksum) = try sum(descriptor, file: path)
        guard length == header.length else {
            let problem = "is damaged: it should hold \(header.length) bytes after its header and holds \(length)"
            throw CheckpointError(.damaged, file: path, problem: problem)
        }
        guard checksum == header.checksum else {
            throw CheckpointError(.damaged, file: path, problem: "is damaged: its contents do not match its checksum")
        }
        return length
    }

    /// Puts `temporary` in the place of `path` at once, durably.
    static func replace(_ path: String, by temporary: String) throws(CheckpointError) {
        guard rename(temporary, path) == 0 else { throw systemError(path, "replace") }
        let folder = split(path).folder
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemError(folder, "open the folder") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemError(folder, "bring the folder to the disk") }
    }

    private static func sum(_ descriptor: Int32, file: String) throws(CheckpointError) -> (Int, UInt32) {
        let capacity = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 16)
        defer { buffer.deallocate() }
        var check = CRC32()
        var offset = CheckpointHeader.byteCount
        while true {
            let count = pread(descriptor, buffer.baseAddress, capacity, off_t(offset))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw systemError(file, "read") }
            if count == 0 { break }
            check.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += count
        }
        return (offset - CheckpointHeader.byteCount, check.value)
    }
}
