import Foundation
import ONNX

/// A TensorBoard event file: scalars by tag and step.
///
/// Records are TensorFlow's (length, masked CRC-32C of the length, data, masked CRC-32C of the data); the data are
/// `Event` messages of tensorflow/core/util/event.proto, of which only five fields are needed.
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
        var version = ProtocolBuffer()
        version.double(1, time)
        version.text(3, "brain.Event:2")
        try write(version)
        if step > 0 {
            var session = ProtocolBuffer()
            session.integer(1, 1)  // SessionLog.START
            var event = ProtocolBuffer()
            event.double(1, time)
            event.integer(2, UInt64(step))
            event.message(7, session)
            try write(event)
        }
    }

    /// Adds the scalars of one step; those that are `nil` are left out.
    func append(step: Int, scalars: [(tag: String, value: Double?)], time: Double = Date().timeIntervalSince1970) throws
    {
        var summary = ProtocolBuffer()
        for (tag, value) in scalars {
            guard let value else { continue }
            var scalar = ProtocolBuffer()
            scalar.text(1, tag)
            scalar.float(2, Float(value))
            summary.message(1, scalar)
        }
        var event = ProtocolBuffer()
        event.double(1, time)
        event.integer(2, UInt64(max(0, step)))
        event.message(5, summary)
        try write(event)
    }

    private func write(_ message: ProtocolBuffer) throws {
        let length = UInt64(message.data.count).littleEndianBytes
        var record = length
        record += CRC32C.masked(length).littleEndianBytes
        record += message.data
        record += CRC32C.masked(message.data).littleEndianBytes
        try handle.write(contentsOf: Data(record))
    }
}
