/// The first 512 bytes of a file (HDF5's "user block"), which say how long the file is and what it sums to.
///
/// A file is looked at by HDF5 only after this has been checked, so a truncated, damaged or foreign file never reaches
/// its parser.
struct CheckpointHeader: Equatable {
    static let byteCount = 512
    static let formatVersion = 1
    private static let magic = "berth-checkpoint"

    /// Length of the file after the header, in bytes.
    var length: Int
    /// CRC-32 of the file after the header.
    var checksum: UInt32

    /// Three lines of text, then zeros.
    var bytes: [UInt8] {
        let text = "\(Self.magic) \(Self.formatVersion)\nlength \(length)\ncrc32 \(String(checksum, radix: 16))\n"
        return Array(text.utf8) + [UInt8](repeating: 0, count: Self.byteCount - text.utf8.count)
    }

    init(length: Int, checksum: UInt32) {
        (self.length, self.checksum) = (length, checksum)
    }

    /// Reads a header back.
    /// - Throws: `CheckpointError` for bytes that are no header, or one of another format version.
    init(_ bytes: [UInt8], file: String) throws(CheckpointError) {
        let foreign = CheckpointError(.foreign, file: file, problem: "is not a checkpoint of this project")
        guard bytes.count == Self.byteCount, bytes.starts(with: Self.magic.utf8) else { throw foreign }
        let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
        guard lines.count >= 1, lines[0].count == 2, lines[0][0] == Self.magic, let version = Int(lines[0][1]) else {
            throw foreign
        }
        guard version == Self.formatVersion else {
            let problem = "has format version \(version), this program reads version \(Self.formatVersion)"
            throw CheckpointError(.foreign, file: file, problem: problem)
        }
        guard lines.count == 3, lines[1].count == 2, lines[2].count == 2, let length = Int(lines[1][1]), length >= 0,
            let checksum = UInt32(lines[2][1], radix: 16)
        else { throw CheckpointError(.damaged, file: file, problem: "is damaged: its header cannot be read") }
        self.init(length: length, checksum: checksum)
        guard self.bytes == bytes else {
            throw CheckpointError(.damaged, file: file, problem: "is damaged: its header cannot be read")
        }
    }
}
