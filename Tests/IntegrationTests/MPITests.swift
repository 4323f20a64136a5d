import Foundation
import Testing

/// `mpirun -np N berth train`, with Debian's Open MPI, on this machine.
@Suite(.serialized) struct MPITests {
    private static let algorithms = [
        "ppo": """
        environment: {kind: cartpole, evaluationEpisodes: 10}
        ppo:
          totalSteps: 4096
          environments: 10
          environmentsPerBlock: 2
          rolloutSteps: 32
          gradientShards: 3
          scalesRewards: true
          normalizesObservations: true
        evaluation: {everySteps: 1024}
        """,
        "dqn": """
        environment: {kind: cartpole, evaluationEpisodes: 10}
        dqn:
          totalSteps: 4096
          environments: 6
          environmentsPerBlock: 2
          nSteps: 3
          gradientShards: 3
          prioritized: {}
          scalesRewards: true
          normalizesObservations: true
        """,
        "cluster": """
        environment: {kind: cluster, simulatorFile: \(repository.path)/configs/cluster/training.yaml}
        ppo: {totalSteps: 2048, environments: 8, environmentsPerBlock: 2, rolloutSteps: 32, gradientShards: 3}
        """,
        "flat": """
        environment:
          kind: flat-cluster
          simulatorFile: \(repository.path)/configs/cluster/training.yaml
          evaluationEpisodes: 0
        dqn: {totalSteps: 2048, environments: 8, environmentsPerBlock: 2, learningStarts: 256, gradientShards: 3}
        """,
    ]

    /// The command that starts `count` processes; a test may run as root, on fewer cores, and on a busy machine, where a
    /// second between mpirun's request to end and its killing can be short.
    private static func mpirun(_ count: Int) -> [String] {
        [
            "env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "mpirun", "--oversubscribe", "--mca",
            "odls_base_sigkill_timeout", "10", "-np", "\(count)", BerthProcess.executable.path,
        ]
    }

    private func write(_ configuration: String, in folder: String) throws -> String {
        let file = "\(folder)/run.yaml"
        try Data(configuration.utf8).write(to: URL(filePath: file))
        return file
    }

    private func checkpoints(_ run: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(run)/checkpoints")) ?? []).filter {
            $0.hasSuffix(".h5") && !$0.hasPrefix(".")
        }.sorted()
    }

    private func newest(_ run: String) throws -> Data {
        try Data(contentsOf: URL(filePath: "\(run)/checkpoints/\(try #require(checkpoints(run).last))"))
    }

    @Test(
        "Any number of processes leaves the same checkpoint, byte for byte",
        arguments: ["ppo", "dqn", "cluster", "flat"])
    func sameBytes(_ algorithm: String) async throws {
        try await withTemporaryFolder { folder in
            let file = try write(try #require(Self.algorithms[algorithm]), in: folder)
            let alone = try await BerthProcess.run(["train", "--config", file, "--out", "\(folder)/alone"])
            #expect(alone.status == 0, "\(alone.errors)")
            let expected = try newest("\(folder)/alone")
            // Four: more processes than shards, and than can have two blocks each.
            for count in [1, 2, 4] {
                let run = "\(folder)/of-\(count)"
                try await Shell.run(Self.mpirun(count) + ["train", "--config", file, "--out", run])
                #expect(try newest(run) == expected, "\(count) processes")
                for name in ["evaluations.csv", "evaluation.json"] where algorithm == "ppo" {
                    #expect(
                        try Data(contentsOf: URL(filePath: "\(run)/\(name)"))
                            == Data(contentsOf: URL(filePath: "\(folder)/alone/\(name)")))
                }
            }
        }
    }

    @Test("A process that dies ends the run, says so, and leaves a checkpoint that the run goes on from")
    func death() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(try #require(Self.algorithms["ppo"]), in: folder)
            let run = "\(folder)/run"
            let endless = ["--set", "ppo.totalSteps=1000000000", "--set", "ppo.learningRateSchedule=constant"]
            let process = try BerthProcess(
                executable: "/usr/bin/env",
                Self.mpirun(3).dropFirst() + ["train", "--config", file, "--out", run] + endless
                    + ["--set", "checkpoints.everySteps=1024"])
            while checkpoints(run).count < 2, process.isRunning { try await Task.sleep(for: .milliseconds(5)) }
            let victim = try #require(try processes(of: run).first { $0.rank == 2 }?.identifier)
            kill(victim, SIGKILL)
            let end = try await process.result()
            #expect(end.status == 128 + SIGKILL)
            #expect(end.errors.contains("process rank 2") && end.errors.contains("signal 9"))
            #expect(
                end.errors.contains("hint: the last checkpoint is kept: continue with berth train --resume \(run)\n"))
            #expect(try processes(of: run).isEmpty)

            // The rest of the run, by another number of processes, is that of a run that nothing happened to.
            let last = try #require(checkpoints(run).last?.dropFirst("step-".count).dropLast(".h5".count))
            let total = ["--set", "ppo.totalSteps=\(try #require(Int(last)) + 640)"]
            try await Shell.run(Self.mpirun(2) + ["train", "--resume", run] + total)
            let whole = try await BerthProcess.run(
                ["train", "--config", file, "--out", "\(folder)/whole"] + endless
                    + ["--set", "checkpoints.everySteps=1024"] + total)
            #expect(whole.status == 0, "\(whole.errors)")
            #expect(try newest(run) == newest("\(folder)/whole"))
        }
    }

    @Test("DQN goes on in several processes as it would have in one")
    func resume() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(try #require(Self.algorithms["dqn"]), in: folder)
            let constant = ["--set", "checkpoints.everySteps=2048", "--set", "checkpoints.keep=9"]
            let whole = "\(folder)/whole"
            let first = try await BerthProcess.run(["train", "--config", file, "--out", whole] + constant)
            #expect(first.status == 0, "\(first.errors)")
            let expected = try newest(whole)
            try FileManager.default.removeItem(
                atPath: "\(whole)/checkpoints/\(try #require(checkpoints(whole).last))")
            #expect(!checkpoints(whole).isEmpty)
            try await Shell.run(Self.mpirun(3) + ["train", "--resume", whole])
            #expect(try newest(whole) == expected)
        }
    }

    @Test("A run folder that cannot be written to any more ends all processes, with the reason")
    func unwritable() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(try #require(Self.algorithms["ppo"]), in: folder)
            let run = "\(folder)/run"
            // A folder in place of the file: root may write anywhere.
            let script = """
                "$@" & process=$!
                until [ -e '\(run)/checkpoints' ]; do kill -0 "$process" || break; sleep 0.01; done
                rm -rf '\(run)/checkpoints' && touch '\(run)/checkpoints'
                wait "$process"
                """
            let end = try await BerthProcess.run(
                executable: "/bin/sh",
                ["-c", script, "sh"] + Self.mpirun(2) + ["train", "--config", file, "--out", run]
                    + ["--set", "ppo.totalSteps=1000000000", "--set", "checkpoints.everySteps=100000"])
            #expect(end.status == 1)
            #expect(end.errors.contains("error: "), "\(end.errors)")
            #expect(try processes(of: run).isEmpty)
        }
    }

    @Test("Ctrl-C stops all processes after the same iteration and saves a checkpoint")
    func interruption() async throws {
        try await withTemporaryFolder { folder in
            let file = try write(try #require(Self.algorithms["ppo"]), in: folder)
            let run = "\(folder)/run"
            // This program's threads block signals, which mpirun would inherit and keep.
            let unblocked = """
                import os, signal, sys
                signal.pthread_sigmask(signal.SIG_SETMASK, [])
                os.execvp(sys.argv[1], sys.argv[1:])
                """
            let process = try BerthProcess(
                executable: "/usr/bin/env",
                ["python3", "-c", unblocked] + Self.mpirun(2) + ["train", "--config", file, "--out", run]
                    + ["--set", "ppo.totalSteps=1000000000", "--set", "checkpoints.everySteps=1000000000"])
            while !FileManager.default.fileExists(atPath: "\(run)/best.h5"), process.isRunning {
                try await Task.sleep(for: .milliseconds(5))
            }
            process.send(SIGINT)
            let end = try await process.result()
            #expect(end.status != 0)
            #expect(end.output.contains("continue with: berth train --resume \(run)\n"), "\(end.errors)")
            #expect(checkpoints(run).count == 1)
            #expect(try processes(of: run).isEmpty)
        }
    }

    @Test("What one process alone can do is refused, and so is an MPI that is not Open MPI")
    func refusals() async throws {
        try await withTemporaryFolder { folder in
            let file = try write("environment: {kind: taxi}\ntabular: {}\n", in: folder)
            let table = try await Shell.attempt(
                Self.mpirun(2) + ["train", "--config", file, "--out", "\(folder)/run"])
            #expect(table.status == 2)
            #expect(table.errors.contains("error: a table is learned by one process, found 2\n"))
            let other = try await Shell.attempt(
                [BerthProcess.executable.path, "train", "--config", file, "--out", "\(folder)/run"],
                environment: ["PMI_SIZE": "4"])
            #expect(other.status == 1)
            #expect(
                other.errors
                    == "error: started as one of 4 processes by an MPI that is not Open MPI\n"
                    + "hint: use the mpirun of Debian's openmpi-bin\n")
            let sweep = try await Shell.attempt(
                Self.mpirun(2) + ["sweep", "--config", "none.yaml", "--out", "\(folder)/run"])
            #expect(sweep.status == 2)
            #expect(sweep.errors.contains("error: a sweep is one process, found 2\n"))
            #expect(!FileManager.default.fileExists(atPath: "\(folder)/run"))
        }
    }

    /// The processes that train in the folder `run`, and their ranks.
    private func processes(of run: String) throws -> [(identifier: Int32, rank: Int)] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
            guard let identifier = Int32(name),
                let command = FileManager.default.contents(atPath: "/proc/\(name)/cmdline"),
                case let words = command.split(separator: 0).map({ String(decoding: $0, as: UTF8.self) }),
                words.first == BerthProcess.executable.path, words.contains(run),
                let environment = FileManager.default.contents(atPath: "/proc/\(name)/environ")
            else { return nil }
            let rank = environment.split(separator: 0).lazy.map { String(decoding: $0, as: UTF8.self) }
                .compactMap { $0.hasPrefix("OMPI_COMM_WORLD_RANK=") ? Int($0.dropFirst(21)) : nil }.first
            return rank.map { (identifier, $0) }
        }
    }
}
