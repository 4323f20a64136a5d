import Foundation

/// A TensorBoard event file: scalars by tag and step.
///
/// Records are TensorFlow's (length, masked CRC-32C of the length, data, masked CRC-32C of the data); the data are
/// `Event` messages of tensorflow/core/util/event.proto, written by hand because only five fields are needed.
struct EventFile {
    private let handle: FileHandle

    /// Makes a new event file in `folder`.
    /// - Parameters:
    ///   - step: in a run that is resumed, its first step: TensorBoard then drops what older files have beyond it.
    ///   - time: seconds since 1970.
    init(folder: String, resumingAt step: Int, time: Double = Date().timeIntervalSince1970) throws {
        // A run resumed within the same second gets a file of its own.
        var number = 0
        var path: String
        repeat {
            path = "\(folder)/events.out.tfevents.\(String(format: "%010d", Int(time))).berth.\(number)"
            number += 1
        } while FileManager.default.fileExists(atPath: path)
        try Data().write(to: URL(filePath: path))
        handle = try FileHandle(forWritingTo: URL(filePath: path))
        var version = Message()
        version.double(1, time)
        version.bytes(3, Array("brain.Event:2".utf8))
        try write(version)
        if step > 0 {
            var session = Message()
            session.integer(1, 1)  // SessionLog.START
            var event = Message()
            event.double(1, time)
            event.integer(2, UInt64(step))
            event.bytes(7, session.data)
            try write(event)
        }
    }

    /// Adds the scalars of one step; those that are `nil` are left out.
    func append(step: Int, scalars: [(tag: String, value: Double?)], time: Double = Date().timeIntervalSince1970) throws
    {
        var summary = Message()
        for (tag, value) in scalars {
            guard let value else { continue }
            var scalar = Message()
            scalar.bytes(1, Array(tag.utf8))
            scalar.float(2, Float(value))
            summary.bytes(1, scalar.data)
        }
        var event = Message()
        event.double(1, time)
        event.integer(2, UInt64(max(0, step)))
        event.bytes(5, summary.data)
        try write(event)
    }

    private func write(_ message: Message) throws {
        let length = littleEndian(UInt64(message.data.count))
        var record = length
        record += littleEndian(CRC32C.masked(length))
        record += message.data
        record += littleEndian(CRC32C.masked(message.data))
        try handle.write(contentsOf: Data(record))
    }
}

/// A protocol buffer being written (protobuf.dev/programming-guides/encoding).
private struct Message {
    private(set) var data: [UInt8] = []

    mutating func integer(_ field: UInt64, _ value: UInt64) {
        varint(field << 3)
        varint(value)
    }

    mutating func double(_ field: UInt64, _ value: Double) {
        varint(field << 3 | 1)
        data += littleEndian(value.bitPattern)
    }

    mutating func bytes(_ field: UInt64, _ value: [UInt8]) {
        varint(field << 3 | 2)
        varint(UInt64(value.count))
        data += value
    }

    mutating func float(_ field: UInt64, _ value: Float) {
        varint(field << 3 | 5)
        data += littleEndian(value.bitPattern)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            data.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        data.append(UInt8(rest))
    }
}

private func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
}
