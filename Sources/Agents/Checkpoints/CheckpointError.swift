/// Why a checkpoint could not be written, read or used.
public struct CheckpointError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file; `nil` for an error about a value in memory.
    public var file: String?
    /// Path of the value, such as `policy/scorer/layer0/weight`; `nil` for the whole file.
    public var path: String?
    /// What was expected and what was found.
    public var problem: String

    /// An error about the value at `path` of `file`.
    public init(file: String? = nil, path: String? = nil, problem: String) {
        (self.file, self.path, self.problem) = (file, path, problem)
    }

    /// The place and the problem in one line.
    public var description: String {
        (["checkpoint", file, path].compactMap(\.self) + [problem]).joined(separator: ": ")
    }
}
