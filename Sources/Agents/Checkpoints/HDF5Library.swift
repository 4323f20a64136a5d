internal import CHDF5
import Synchronization

/// The one owner of the HDF5 library.
///
/// Debian's HDF5 is not thread-safe: every call must be made inside `withLock`, which the handles below take as
/// evidence by existing only inside it. Calls block on the disk, so callers on Swift's cooperative pool should write
/// large checkpoints from a thread of their own.
struct HDF5Library: ~Copyable {
    private static let shared = Mutex(HDF5Library())

    private var isSilenced = false

    /// Runs `body` while no other thread is in the library.
    static func withLock<Result: Sendable>(
        _ body: (inout HDF5Library) throws(CheckpointError) -> sending Result
    ) throws(CheckpointError) -> Result {
        try shared.withLock { library throws(CheckpointError) in
            if !library.isSilenced {
                H5open()
                // Errors are carried in `CheckpointError`; the library would print its stack to stderr.
                chdf5_silence()
                library.isSilenced = true
            }
            return try body(&library)
        }
    }
}

/// An open HDF5 object, closed when it goes out of scope.
struct HDF5Handle: ~Copyable {
    let id: hid_t
    private let close: (hid_t) -> herr_t

    /// - Throws: `CheckpointError` with the library's own message when `id` says that opening failed.
    init(
        _ id: hid_t, close: @escaping (hid_t) -> herr_t, file: String, path: String? = nil, _ action: String
    ) throws(CheckpointError) {
        guard id >= 0 else { throw HDF5Handle.failure(file: file, path: path, action) }
        self.id = id
        self.close = close
    }

    deinit {
        _ = close(id)
    }

    /// An error that carries what the library says.
    static func failure(file: String, path: String? = nil, _ action: String) -> CheckpointError {
        let message = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            guard let text = buffer.baseAddress else { return "" }
            chdf5_error_message(text, buffer.count)
            return String(cString: text)
        }
        return CheckpointError(
            .library, file: file, path: path,
            problem: "cannot \(action)" + (message.isEmpty ? "" : " (HDF5: \(message))"))
    }

    static func check(
        _ status: herr_t, file: String, path: String? = nil, _ action: String
    ) throws(CheckpointError) {
        guard status >= 0 else { throw failure(file: file, path: path, action) }
    }
}

extension HDF5Handle {
    /// Access without file locks. Files are written under another name and renamed, so that nobody reads what is being
    /// written; a lock would only outlive its writer where a child process has inherited the open file.
    static func withoutLocks(file: String) throws(CheckpointError) -> HDF5Handle {
        let access = try HDF5Handle(
            H5Pcreate(chdf5_class_file_access()), close: H5Pclose, file: file, "make a property list")
        try check(H5Pset_file_locking(access.id, false, true), file: file, "make a property list")
        return access
    }
}
