/// What is wrong with a configuration, and where.
///
/// Every error of this module is one of these, so that a command line can print it in one line and exit with status 2.
public struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What is wrong.
    public enum Code: Sendable, Hashable {
        /// The file cannot be read.
        case unreadable
        /// The text is not YAML, or an override is not of the form `key.path=value`.
        case malformed
        /// There is no such key or list element.
        case unknownKey
        /// A key that has no default is not given.
        case missingKey
        /// A value has another type than its key.
        case wrongType
        /// A value has the right type and is not allowed.
        case invalidValue
    }

    /// What is wrong.
    public var code: Code
    /// The file that was read; `nil` when the text did not come from a file.
    public var file: String?
    /// Line in the file, from 1; `nil` when the whole file or an override is at fault.
    public var line: Int?
    /// The override (`key.path=value`) that brought the value; `nil` when the file did.
    public var override: String?
    /// Path of the key, such as `environment.cluster.nodes[1].cpu`; empty for the whole document.
    public var key: String
    /// What was expected and what was found.
    public var problem: String
    /// What to do about it: the nearest valid key, or the valid choices.
    public var hint: String?

    /// An error about `key`. Inside `validate()` the key is relative to the value being validated; the decoder adds
    /// the file, the line and the rest of the path.
    public init(
        key: String, problem: String, hint: String? = nil, file: String? = nil, line: Int? = nil,
        override: String? = nil, code: Code = .invalidValue
    ) {
        (self.code, self.key, self.problem, self.hint) = (code, key, problem, hint)
        (self.file, self.line, self.override) = (file, line, override)
    }

    /// The place and the problem in one line, without the hint.
    public var message: String {
        var parts: [String] = []
        if let override {
            parts.append("--set \(override)")
        } else if let file {
            parts.append(line.map { "\(file):\($0)" } ?? file)
        } else if let line {
            parts.append("line \(line)")
        }
        if !key.isEmpty { parts.append(key) }
        parts.append(problem)
        return parts.joined(separator: ": ")
    }

    /// The place, the problem and the hint.
    public var description: String {
        hint.map { "\(message) (\($0))" } ?? message
    }
}
