import Settings

/// Why an experiment could not be run.
public struct ExperimentError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of thing was wrong.
    public enum Code: String, Sendable {
        /// The folder already holds a run.
        case runExists
        /// Another process is training in the folder.
        case runInUse
        /// There is no run, or no checkpoint, where one was named.
        case runMissing
        /// A run cannot go on from what its folder holds.
        case cannotResume
        /// Several processes were to do what only one can.
        case tooManyProcesses
        /// A configuration does not fit what it is used for.
        case unsuitableConfiguration
        /// A name that nothing has.
        case unknownName
        /// The folder holds another sweep.
        case otherSweep
        /// A file of results cannot be read.
        case unreadable
        /// A file of results cannot be written.
        case unwritable
        /// It was asked to stop, and did.
        case interrupted
    }

    /// What kind of thing was wrong.
    public let code: Code
    /// What was wrong, where, and what was expected.
    public let message: String
    /// What to do about it.
    public let hint: String?

    /// An error with its message.
    public init(_ code: Code, _ message: String, hint: String? = nil) {
        (self.code, self.message, self.hint) = (code, message, hint)
    }

    /// A name that is none of `names`.
    /// - Parameters:
    ///   - what: what was named, as in `baseline`.
    ///   - plural: the same in the plural.
    public static func unknown(_ what: String, _ name: String, among names: [String], plural: String) -> Self {
        Self(
            .unknownName, "there is no \(what) \"\(name)\"",
            hint: NearestName.hint(for: name, among: names, what: plural))
    }

    /// Whether the command or a configuration was wrong, and not what happened while it was carried out.
    public var isUsage: Bool {
        switch code {
        case .runExists, .runMissing, .tooManyProcesses, .unsuitableConfiguration, .unknownName, .otherSweep: true
        case .runInUse, .cannotResume, .unreadable, .unwritable, .interrupted: false
        }
    }

    /// The message and the hint.
    public var description: String { hint.map { "\(message) (\($0))" } ?? message }
}
