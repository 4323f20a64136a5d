import Randomness
public import Settings

/// Interference that is drawn afresh for each episode: on each of the nodes, pauses and stress pods take turns.
public struct RandomInterference: Configurable, Equatable {
    /// Names of the nodes.
    public var nodes: [String] = []
    /// The resources that a pod may be after, each as likely as any other.
    public var sources = [StressSource.cpu, .lastLevelCache, .memoryBandwidth]
    /// Strength of a pod.
    public var level = ValueRange(0.2, 1)
    /// Seconds without a pod: at the beginning, and after each, where it is at least 1.
    public var pause = ValueRange(20, 80)
    /// Seconds that a pod lasts.
    public var duration = ValueRange(40, 120)
    /// Cores that a pod requests, which is its weight against others.
    public var cpuRequest = ValueRange(0.05, 0.2)
    /// MB/s that level 1 of `memoryBandwidth` asks for.
    public var fullBandwidth = 4000.0
    /// The container image: one with stress-ng on its path.
    public var image = "localhost/bench:1"

    /// No interference; `nodes` has to be given.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("nodes", notEmpty: nodes)
        try require("nodes", Set(nodes).count == nodes.count, must: "name each node once")
        try require("sources", notEmpty: sources)
        try require("level", level, above: 0)
        try require("level", level, in: ...1)
        try require("pause", pause, in: 0...86_400)
        try require("duration", duration, in: 1...86_400)
        try require("cpuRequest", cpuRequest, in: 0...1024)
        try require("fullBandwidth", fullBandwidth, in: 1...1e6)
        try require("image", notEmpty: image)
    }

    /// The plan of an episode of so many seconds.
    public func plan(seconds: Double, seed: UInt64) -> InterferencePlan {
        var plan = InterferencePlan()
        plan.image = image
        for (index, node) in nodes.enumerated() {
            var generator = RandomGenerator(seed: seed, stream: 20 + UInt64(index))
            var time = pause.draw(using: &generator)
            while time < seconds {
                var pod = InterferenceSpecification()
                pod.source = sources[generator.index(below: sources.count)]
                pod.level = level.draw(using: &generator)
                pod.fullBandwidth = fullBandwidth
                (pod.node, pod.start) = (node, time)
                pod.duration = duration.draw(using: &generator).rounded()
                pod.cpuRequest = cpuRequest.draw(using: &generator)
                // A pod cannot request more than it may use.
                if let limit = pod.cpuLimit { pod.cpuRequest = min(pod.cpuRequest, limit) }
                plan.interference.append(pod)
                time += pod.duration + max(1, pause.draw(using: &generator))
            }
        }
        return plan
    }
}
