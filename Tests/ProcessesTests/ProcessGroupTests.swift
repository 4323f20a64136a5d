import Processes
import Testing

@Suite("Processes")
struct ProcessGroupTests {
    @Test("A program that mpirun did not start is alone: it has all parts and gathers its own bytes")
    func alone() throws {
        let group = try ProcessGroup.join { false }
        #expect((group.rank, group.size) == (0, 1))
        #expect(group.share(of: 7) == 0..<7)
        #expect(group.share(of: 0).isEmpty)
        #expect(try group.gather([1, 2, 3]) == [[1, 2, 3]])
        group.leave()
    }

    @Test("Shares are contiguous, cover everything, and differ by one at most", arguments: [1, 2, 3, 7])
    func shares(size: Int) {
        for count in 0..<20 {
            let shares = (0..<size).map {
                ProcessGroup(rank: $0, size: size, hasJoined: false, isInterrupted: { false }).share(of: count)
            }
            #expect(shares.flatMap(Array.init) == Array(0..<count))
            let lengths = shares.map(\.count)
            #expect((lengths.max() ?? 0) - (lengths.min() ?? 0) <= 1)
        }
    }

    @Test("Arrays come out of a message as they went in, by value and bit")
    func message() throws {
        var message = Message()
        message.append([1, -2, Int.max])
        message.append([Float.nan, -0.0, .infinity])
        message.append([UInt8]())
        message.append(Array("text".utf8))
        var received = Message(message.bytes)
        #expect(try received.take(Int.self) == [1, -2, Int.max])
        #expect(try received.take(Float.self).map(\.bitPattern) == [Float.nan, -0.0, .infinity].map(\.bitPattern))
        #expect(try received.take(UInt8.self).isEmpty)
        #expect(try String(decoding: received.take(UInt8.self), as: UTF8.self) == "text")
        #expect(throws: ProcessGroupError.self) { try received.take(UInt8.self) }
    }

    @Test(
        "A message that is cut off or lies about its length is an error",
        arguments: [
            [], [1, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0, 9], [255, 255, 255, 255, 255, 255, 255, 127],
            [255, 255, 255, 255, 255, 255, 255, 255],
        ] as [[UInt8]])
    func broken(_ bytes: [UInt8]) {
        var message = Message(bytes)
        #expect(throws: ProcessGroupError.self) { try message.take(Double.self) }
    }
}
