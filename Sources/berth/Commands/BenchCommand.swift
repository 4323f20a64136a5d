import ArgumentParser
import LinearAlgebra

/// `berth bench`
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measures the speed of the hot paths on one thread of this machine.",
        subcommands: [All.self, Simulator.self, Inference.self, Training.self, Anomaly.self],
        defaultSubcommand: All.self)

    /// Everything, with the defaults.
    struct All: ParsableCommand {
        static let configuration = CommandConfiguration(commandName: "all", abstract: "Everything, with the defaults.")

        mutating func run() throws {
            try SimulatorBenchmark(nodes: [4, 40, 400, 1000], seconds: 2).run()
            try InferenceBenchmark(nodes: [4, 100, 1000], seconds: 2).run()
            try TrainingBenchmark().run()
            try AnomalyBenchmark(widths: [8, 64], seconds: 1).run()
            printKernels()
        }
    }

    struct Simulator: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Control intervals per second and core of the simulator, by processor time.",
            discussion: """
                Half as many services as nodes, three replicas each, under a random load, with batch jobs, latency \
                quantiles and noisy telemetry; no actions.
                """)

        @Option(parsing: .upToNextOption, help: "Numbers of nodes.")
        var nodes = [4, 40, 400, 1000]

        @Option(help: "Seconds for each number of nodes.")
        var seconds = 2.0

        func validate() throws {
            try validateSizes(nodes, seconds)
        }

        mutating func run() throws { try SimulatorBenchmark(nodes: nodes, seconds: seconds).run() }
    }

    struct Inference: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Time in which a policy ranks the nodes for a pod: encoding, network and softmax.")

        @Option(parsing: .upToNextOption, help: "Numbers of nodes.")
        var nodes = [4, 100, 1000]

        @Option(help: "Seconds for each number of nodes.")
        var seconds = 2.0

        func validate() throws {
            try validateSizes(nodes, seconds)
        }

        mutating func run() throws {
            try InferenceBenchmark(nodes: nodes, seconds: seconds).run()
            printKernels()
        }
    }

    struct Training: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Steps per second of PPO and DQN on CartPole with published settings, learning included.")

        @Option(
            parsing: .upToNextOption,
            help: ArgumentHelp(
                "Settings to measure: \(TrainingBenchmark.known.joined(separator: ", ")). Without it: all.",
                valueName: "name"))
        var settings: [String] = []

        @Option(help: "Steps to train with each. Without it: 100,000 of PPO, 10,000 of DQN.")
        var steps: Int?

        func validate() throws {
            if let steps, steps < 1 { throw ValidationError("--steps must be 1 or more, found \(steps)") }
            for name in settings where !TrainingBenchmark.known.contains(name) {
                throw ValidationError(
                    "--settings \(name) is none of \(TrainingBenchmark.known.joined(separator: ", "))")
            }
        }

        mutating func run() throws {
            try TrainingBenchmark(names: settings, steps: steps ?? 0).run()
            printKernels()
        }
    }
}

extension BenchCommand {
    struct Anomaly: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Rows per second that isolation forests score, in batches and as a stream.")

        @Option(parsing: .upToNextOption, help: "Numbers of features.")
        var features = [8, 64]

        @Option(help: "Seconds for each measurement.")
        var seconds = 1.0

        func validate() throws {
            for count in features where !(1...10_000).contains(count) {
                throw ValidationError("--features must be from 1 to 10000, found \(count)")
            }
            guard seconds > 0, seconds <= 3600 else {
                throw ValidationError("--seconds must be from 0 to 3600, found \(seconds)")
            }
        }

        mutating func run() throws { try AnomalyBenchmark(widths: features, seconds: seconds).run() }
    }
}

/// Says what the products were computed with: without it figures cannot be compared.
private func printKernels() {
    print("\nmatrices: \(KernelSet.current)")
}

private func validateSizes(_ nodes: [Int], _ seconds: Double) throws {
    for count in nodes where !(1...100_000).contains(count) {
        throw ValidationError("--nodes must be from 1 to 100000, found \(count)")
    }
    guard seconds > 0, seconds <= 3600 else {
        throw ValidationError("--seconds must be from 0 to 3600, found \(seconds)")
    }
}
