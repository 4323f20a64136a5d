import Cluster
import Simulator

/// Control intervals per second and core of the simulator, on the scene of `SimulatorSettings.benchmark`.
struct SimulatorBenchmark {
    /// Numbers of nodes; half as many services.
    let nodes: [Int]
    /// Processor time for each, in seconds.
    let seconds: Double

    /// Measures and prints.
    func run() throws {
        var cells = [["simulator", "services", "intervals/s and core", "µs/interval", "µs/interval and node"]]
        for count in nodes {
            let services = max(1, count / 2)
            var cluster = try SimulatedCluster(settings: .benchmark(nodes: count, services: services))
            cluster.reset(seed: 1)
            for _ in 0..<10 { _ = try cluster.advance() }
            let start = ProcessorClock.seconds
            var intervals = 0
            var elapsed = 0.0
            repeat {
                // The clock is asked seldom, so that it does not count.
                for _ in 0..<max(1, 1000 / count) { _ = try cluster.advance() }
                intervals += max(1, 1000 / count)
                elapsed = ProcessorClock.seconds - start
            } while elapsed < seconds
            let microseconds = 1e6 * elapsed / Double(intervals)
            cells.append([
                "\(Figures.grouped(count)) nodes", "\(services)", Figures.grouped(Int(Double(intervals) / elapsed)),
                Figures.short(microseconds), Figures.short(microseconds / Double(count)),
            ])
        }
        print(ComparisonTable.align(cells))
    }
}
