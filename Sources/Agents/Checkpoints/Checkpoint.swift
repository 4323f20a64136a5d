/// The state of a run as a flat tree of named arrays and texts, independent of who produced it.
///
/// Names are paths such as `policy/scorer/layer0/weight`; in the file each part but the last is a group. Two equal
/// checkpoints give the same bytes on disk. docs/checkpoint-format.md lists the names and the layout of the file.
public struct Checkpoint: Sendable, Equatable {
    /// One stored value. Arrays are row-major; a scalar has the shape `[]`.
    public enum Value: Sendable, Equatable {
        /// 32-bit floating point; `shape` multiplies to the count.
        case float32([Float], shape: [Int])
        /// 64-bit floating point; `shape` multiplies to the count.
        case float64([Double], shape: [Int])
        /// Signed integers; `shape` multiplies to the count.
        case int64([Int64], shape: [Int])
        /// Unsigned integers, such as the words of a generator's state; `shape` multiplies to the count.
        case uint64([UInt64], shape: [Int])
        /// UTF-8 text without NUL characters.
        case text(String)

        /// Type and shape, as in `float32 [64, 20]`.
        public var summary: String {
            switch self {
            case .float32(_, let shape): "float32 \(shape)"
            case .float64(_, let shape): "float64 \(shape)"
            case .int64(_, let shape): "int64 \(shape)"
            case .uint64(_, let shape): "uint64 \(shape)"
            case .text: "text"
            }
        }
    }

    /// Every value by its path.
    public var values: [String: Value]

    /// Version of the project that wrote the file, or that will.
    public var projectVersion: String

    /// A checkpoint of the given values.
    public init(values: [String: Value] = [:], projectVersion: String = ProjectVersion.current) {
        self.values = values
        self.projectVersion = projectVersion
    }

    /// The value at `path`, or `nil`.
    public subscript(path: String) -> Value? {
        get { values[path] }
        set { values[path] = newValue }
    }
}

// MARK: - Typed access

extension Checkpoint {
    /// 32-bit floats at `path`.
    /// - Parameter shape: the shape they must have; any when `nil`.
    /// - Throws: `CheckpointError` naming the path when it is missing, of another type or of another shape.
    public func floats(_ path: String, shape: [Int]? = nil) throws(CheckpointError) -> [Float] {
        guard case .float32(let array, let found) = try value(path) else { throw mismatch(path, "float32", shape) }
        guard shape == nil || shape == found else { throw mismatch(path, "float32", shape) }
        return array
    }

    /// 64-bit floats at `path`; parameters and errors as in `floats`.
    public func doubles(_ path: String, shape: [Int]? = nil) throws(CheckpointError) -> [Double] {
        guard case .float64(let array, let found) = try value(path) else { throw mismatch(path, "float64", shape) }
        guard shape == nil || shape == found else { throw mismatch(path, "float64", shape) }
        return array
    }

    /// Signed integers at `path`; parameters and errors as in `floats`.
    public func integers(_ path: String, shape: [Int]? = nil) throws(CheckpointError) -> [Int64] {
        guard case .int64(let array, let found) = try value(path) else { throw mismatch(path, "int64", shape) }
        guard shape == nil || shape == found else { throw mismatch(path, "int64", shape) }
        return array
    }

    /// Unsigned integers at `path`; parameters and errors as in `floats`.
    public func words(_ path: String, shape: [Int]? = nil) throws(CheckpointError) -> [UInt64] {
        guard case .uint64(let array, let found) = try value(path) else { throw mismatch(path, "uint64", shape) }
        guard shape == nil || shape == found else { throw mismatch(path, "uint64", shape) }
        return array
    }

    /// The text at `path`.
    public func text(_ path: String) throws(CheckpointError) -> String {
        guard case .text(let text) = try value(path) else { throw mismatch(path, "text", nil) }
        return text
    }

    /// The 64-bit float at `path`, which must be a scalar.
    public func double(_ path: String) throws(CheckpointError) -> Double {
        try doubles(path, shape: [])[0]
    }

    /// The integer at `path`, which must be a scalar.
    public func integer(_ path: String) throws(CheckpointError) -> Int64 {
        try integers(path, shape: [])[0]
    }

    private func value(_ path: String) throws(CheckpointError) -> Value {
        guard let value = values[path] else { throw CheckpointError(.missing, path: path, problem: "is missing") }
        return value
    }

    private func mismatch(_ path: String, _ type: String, _ shape: [Int]?) -> CheckpointError {
        let expected = shape.map { "\(type) \($0)" } ?? type
        let found = values[path]?.summary ?? "nothing"
        return CheckpointError(.unsound, path: path, problem: "expected \(expected), found \(found)")
    }
}

// MARK: - Validity

extension Checkpoint.Value {
    /// What makes this value impossible to store, or `nil`.
    var problem: String? {
        let (count, shape): (Int, [Int])
        switch self {
        case .float32(let array, let itsShape): (count, shape) = (array.count, itsShape)
        case .float64(let array, let itsShape): (count, shape) = (array.count, itsShape)
        case .int64(let array, let itsShape): (count, shape) = (array.count, itsShape)
        case .uint64(let array, let itsShape): (count, shape) = (array.count, itsShape)
        case .text(let text):
            return text.utf8.contains(0) ? "the text has a NUL character, which the format cannot hold" : nil
        }
        guard shape.count <= 32, elementCount(shape) == count else {
            return "the shape \(shape) does not hold \(count) elements"
        }
        return nil
    }
}

/// Product of the dimensions; `nil` when one is negative or it overflows.
func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for dimension in shape {
        guard dimension >= 0 else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
        guard !overflow else { return nil }
        count = product
    }
    return count
}

extension Checkpoint {
    /// Refuses paths and values that a file cannot hold.
    func check() throws(CheckpointError) {
        for (path, value) in values {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) }) else {
                throw CheckpointError(
                    .unsound, path: path, problem: "is not a path: expected names joined by single slashes")
            }
            guard parts.count <= CheckpointFile.deepestPath else {
                throw CheckpointError(
                    .unsound, path: path, problem: "is nested deeper than \(CheckpointFile.deepestPath) levels")
            }
            for length in 1..<parts.count where values[parts[..<length].joined(separator: "/")] != nil {
                let group = parts[..<length].joined(separator: "/")
                throw CheckpointError(
                    .unsound, path: path, problem: "lies under \(group), which is a value and not a group")
            }
            if let problem = value.problem { throw CheckpointError(.unsound, path: path, problem: problem) }
        }
    }
}
