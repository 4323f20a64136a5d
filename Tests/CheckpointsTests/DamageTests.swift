import Checkpoints
import Foundation
import Testing

@Suite struct DamageTests {
    /// SplitMix64: the positions of the damage are the same in every run.
    private struct Positions {
        var state: UInt64
        mutating func next(below bound: Int) -> Int {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return Int((z ^ (z >> 31)) % UInt64(bound))
        }
    }

    private func error(reading bytes: Data, in folder: String) throws -> CheckpointError? {
        let file = "\(folder)/damaged.h5"
        try bytes.write(to: URL(filePath: file))
        return checkpointError { _ = try Checkpoint.read(file) }
    }

    @Test func everyFlippedBitIsFound() async throws {
        try await withTemporaryFolder { folder in
            try sampleCheckpoint(version: 1).write(to: "\(folder)/whole.h5")
            let whole = try Data(contentsOf: URL(filePath: "\(folder)/whole.h5"))
            var positions = Positions(state: 1)
            // All of the header's text and as many places again in the rest.
            let places = Array(0..<64) + (0..<400).map { _ in positions.next(below: whole.count) }
            for place in places {
                var damaged = whole
                damaged[place] ^= UInt8(1 << positions.next(below: 8))
                #expect(try error(reading: damaged, in: folder) != nil, "a flipped bit at byte \(place) is not found")
            }
            #expect(try error(reading: whole, in: folder) == nil)
        }
    }

    @Test func truncatedAndLengthenedFilesAreRefused() async throws {
        try await withTemporaryFolder { folder in
            try sampleCheckpoint(version: 1).write(to: "\(folder)/whole.h5")
            let whole = try Data(contentsOf: URL(filePath: "\(folder)/whole.h5"))
            for length in [0, 1, 16, 511, 512, 513, whole.count / 2, whole.count - 1] {
                #expect(try error(reading: whole.prefix(length), in: folder) != nil, "\(length) bytes")
            }
            let cut = try error(reading: whole.prefix(whole.count - 1), in: folder)
            #expect(cut?.problem.hasPrefix("is damaged: it should hold \(whole.count - 512) bytes") == true)
            #expect(cut?.code == .damaged)
            #expect(cut?.file == "\(folder)/damaged.h5")
            #expect(try error(reading: whole + Data([0]), in: folder) != nil)
        }
    }

    @Test func foreignFilesAreRefused() async throws {
        try await withTemporaryFolder { folder in
            var positions = Positions(state: 2)
            for length in [0, 3, 512, 5_000] {
                let garbage = Data((0..<length).map { _ in UInt8(positions.next(below: 256)) })
                #expect(try error(reading: garbage, in: folder)?.code == .foreign)
            }
            try sampleCheckpoint(version: 1).write(to: "\(folder)/whole.h5")
            var bytes = try Data(contentsOf: URL(filePath: "\(folder)/whole.h5"))
            // HDF5 without our header is a file of somebody else.
            #expect(
                try error(reading: bytes.dropFirst(512), in: folder)?.code == .foreign)
            bytes.replaceSubrange(17..<18, with: Data("7".utf8))
            #expect(
                try error(reading: bytes, in: folder)?.problem == "has format version 7, this program reads version 1")
            #expect(try error(reading: bytes, in: folder)?.code == .foreign)
            let missing = checkpointError { _ = try Checkpoint.read("\(folder)/none.h5") }
            #expect(missing?.code == .system)
            #expect(missing?.problem == "cannot open: No such file or directory")
            #expect(checkpointError { _ = try Checkpoint.read(folder) }?.problem == "cannot read: Is a directory")
        }
    }

    @Test func aProcessKilledAtAnyMomentLeavesAWholeFile() async throws {
        try await withTemporaryFolder { folder in
            let file = "\(folder)/a.h5"
            var seen: Set<Int64> = []
            var interrupted = 0
            for round in Int64(0)..<50 {
                let start = round * 1_000_000
                await #expect(processExitsWith: .signal(SIGKILL)) { [file = file as String, start = start as Int64] in
                    // However slow the machine is, one write gets through in each round.
                    try sampleCheckpoint(version: start, weights: 200_000).write(to: file)
                    Thread.detachNewThread {
                        // From the second write to a few writes later, in steps of 0.7 ms.
                        usleep(UInt32(1_000 + start / 1_000_000 * 700))
                        kill(getpid(), SIGKILL)
                    }
                    for version in (start + 1)... {
                        try sampleCheckpoint(version: version, weights: 200_000).write(to: file)
                    }
                }
                let names = try FileManager.default.contentsOfDirectory(atPath: folder)
                if names.contains(".a.h5.partial") { interrupted += 1 }
                let checkpoint = try Checkpoint.read(file)
                let version = try -checkpoint.integer("optimizer/step")
                #expect(checkpoint == sampleCheckpoint(version: version, weights: 200_000))
                #expect(version <= start + 1_000_000)
                seen.insert(version)
            }
            // Kills did fall inside a write, and a write of every round is what was found after it.
            #expect(interrupted > 0)
            #expect(seen.count == 50)
        }
    }
}
