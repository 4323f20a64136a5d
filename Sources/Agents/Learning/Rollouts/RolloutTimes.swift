/// Wall time that stepping environments took, in seconds.
struct RolloutTimes: Sendable {
    /// In the environments.
    var environments = 0.0
    /// In the network and in choosing actions.
    var inference = 0.0

    /// Those of the thread that took longest, which had every `threads`-th worker.
    static func slowest(of workers: [RolloutTimes], threads: Int) -> RolloutTimes {
        var slowest = RolloutTimes()
        for thread in 0..<min(threads, workers.count) {
            var times = RolloutTimes()
            for index in stride(from: thread, to: workers.count, by: threads) {
                times.environments += workers[index].environments
                times.inference += workers[index].inference
            }
            if times.environments + times.inference > slowest.environments + slowest.inference { slowest = times }
        }
        return slowest
    }
}
