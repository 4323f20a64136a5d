/// A flat environment with a fixed list of actions, of which only some are legal at a time: taking another is an error.
public protocol MaskedEnvironment: FlatEnvironment where ActionSpace == Discrete {
    /// Whether `action` is legal now; after an episode's last step, in the decision that would have come next.
    func isLegal(_ action: Int) -> Bool
}
