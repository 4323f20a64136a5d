public import Settings

/// Interference at given times on given nodes: what a file under configs/interference holds.
public struct InterferencePlan: Configurable, Equatable {
    /// The pods, in any order.
    public var interference: [InterferenceSpecification] = []
    /// The container image: one with stress-ng on its path.
    public var image = "localhost/bench:1"

    /// No interference.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("image", notEmpty: image)
    }

    /// Indices of the interference that begins in `window`, in seconds of the episode, by start. Windows that follow
    /// each other give each index once.
    public func starting(in window: Range<Double>) -> [Int] {
        interference.indices.filter { window.contains(interference[$0].start) }
            .sorted { (interference[$0].start, $0) < (interference[$1].start, $1) }
    }
}
