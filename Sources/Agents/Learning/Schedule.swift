/// How a hyperparameter changes while a run goes on.
public enum Schedule: String, Codable, Sendable, CaseIterable {
    /// It stays as it is.
    case constant
    /// It falls in a straight line from its value at the start to 0 at the end.
    case linear

    /// The value at `progress` of the run, from 0 to 1.
    public func value(_ start: Double, at progress: Double) -> Double {
        switch self {
        case .constant: start
        case .linear: start * max(0, 1 - progress)
        }
    }
}
