/// Why a checkpoint could not be written, read or used.
public struct CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of thing was wrong.
    public enum Code: String, Sendable {
        /// The operating system refused the file.
        case system
        /// The file is no checkpoint, or one of another format version.
        case foreign
        /// The file is not as it was written.
        case damaged
        /// HDF5 could not read or write it.
        case library
        /// A value is not there.
        case missing
        /// A value has another type, shape or content than it must have.
        case unsound
        /// The checkpoint is sound, and of another run, network or observation than it is used with.
        case mismatch
    }

    /// What kind of thing was wrong.
    public let code: Code
    /// The file; `nil` for an error about a value in memory.
    public var file: String?
    /// Path of the value, such as `policy/scorer/layer0/weight`; `nil` for the whole file.
    public var path: String?
    /// What was expected and what was found.
    public var problem: String

    /// An error about the value at `path` of `file`.
    public init(_ code: Code, file: String? = nil, path: String? = nil, problem: String) {
        (self.code, self.file, self.path, self.problem) = (code, file, path, problem)
    }

    /// The place and the problem in one line.
    public var description: String {
        (["checkpoint", file, path].compactMap(\.self) + [problem]).joined(separator: ": ")
    }
}
