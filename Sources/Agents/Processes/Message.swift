/// Arrays of plain values one after the other, as bytes: what processes give each other.
///
/// It is for processes of one run, of one program on machines of one kind: nothing is converted and nothing kept.
public struct Message: Sendable {
    /// The bytes.
    public private(set) var bytes: [UInt8]
    private var place = 0

    /// A message of these bytes, to be taken apart; without any, one to append to.
    public init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    /// Removes everything and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        place = 0
    }

    /// Appends an array, with its length.
    public mutating func append<Value: BitwiseCopyable>(_ values: [Value]) {
        withUnsafeBytes(of: Int64(values.count)) { bytes.append(contentsOf: $0) }
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    /// Takes the next array out.
    /// - Throws: `ProcessGroupError` when there is none of such values.
    public mutating func take<Value: BitwiseCopyable>(
        _ type: Value.Type
    ) throws(ProcessGroupError) -> [Value] {
        let count = try takeCount()
        let size = count.multipliedReportingOverflow(by: MemoryLayout<Value>.stride)
        guard count >= 0, !size.overflow, size.partialValue <= bytes.count - place else { throw Self.broken }
        let begin = place
        place += size.partialValue
        return bytes.withUnsafeBytes { all in
            [Value](unsafeUninitializedCapacity: count) { values, initialized in
                UnsafeMutableRawBufferPointer(values).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: all[begin..<begin + size.partialValue]))
                initialized = count
            }
        }
    }

    private mutating func takeCount() throws(ProcessGroupError) -> Int {
        guard bytes.count - place >= 8 else { throw Self.broken }
        let count = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: place, as: Int64.self) }
        place += 8
        return Int(count)
    }

    private static let broken = ProcessGroupError(
        "a message of another process cannot be read", hint: "all processes must run the same berth")
}
