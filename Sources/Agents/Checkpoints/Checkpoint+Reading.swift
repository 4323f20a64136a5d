internal import CHDF5

extension Checkpoint {
    /// Reads the checkpoint at `path`.
    /// - Throws: `CheckpointError` for a file that is missing, truncated, damaged, of another format or version.
    public static func read(_ path: String) throws(CheckpointError) -> Checkpoint {
        let length = try CheckpointFile.verify(path)
        return try HDF5Library.withLock { _ throws(CheckpointError) in
            let access = try HDF5Handle.withoutLocks(file: path)
            let root = try HDF5Handle(
                H5Fopen(path, chdf5_read_only(), access.id), close: H5Fclose, file: path, "open the file")
            var reader = try TreeReader(file: path, byteLimit: length)
            var checkpoint = Checkpoint(projectVersion: try reader.textAttribute("project_version", of: root.id))
            try reader.group(root.id, prefix: "", depth: 0)
            checkpoint.values = reader.values
            return checkpoint
        }
    }
}

/// Collects the values of one file. Lives inside the library's lock.
private struct TreeReader: ~Copyable {
    let file: String
    /// No array can take more bytes than the file has, whatever its dimensions say.
    let byteLimit: Int
    let text: HDF5Handle
    var values: [String: Checkpoint.Value] = [:]

    init(file: String, byteLimit: Int) throws(CheckpointError) {
        self.file = file
        self.byteLimit = byteLimit
        text = try textType(file: file)
    }

    mutating func group(_ id: hid_t, prefix: String, depth: Int) throws(CheckpointError) {
        var info = H5G_info_t()
        try HDF5Handle.check(H5Gget_info(id, &info), file: file, path: prefix, "list the group")
        for index in 0..<info.nlinks {
            let name = try linkName(id, index, prefix)
            let path = prefix.isEmpty ? name : "\(prefix)/\(name)"
            guard chdf5_link_is_hard(id, name) != 0, depth < CheckpointFile.deepestPath else {
                throw CheckpointError(.damaged, file: file, path: path, problem: "is a link or nested too deep")
            }
            let object = try HDF5Handle(
                H5Oopen(id, name, hid_t(H5P_DEFAULT)), close: H5Oclose, file: file, path: path, "open the object")
            switch H5Iget_type(object.id) {
            case H5I_GROUP: try group(object.id, prefix: path, depth: depth + 1)
            case H5I_DATASET: values[path] = try dataset(object.id, path)
            default:
                throw CheckpointError(.damaged, file: file, path: path, problem: "is neither a group nor a dataset")
            }
        }
    }

    func textAttribute(_ name: String, of root: hid_t) throws(CheckpointError) -> String {
        let attribute = try HDF5Handle(
            H5Aopen(root, name, hid_t(H5P_DEFAULT)), close: H5Aclose, file: file, path: name, "open the attribute")
        let space = try HDF5Handle(
            H5Aget_space(attribute.id), close: H5Sclose, file: file, path: name, "read the attribute")
        return try textValue(space.id, name) { H5Aread(attribute.id, text.id, $0) }
    }

    private func linkName(_ group: hid_t, _ index: hsize_t, _ prefix: String) throws(CheckpointError) -> String {
        let capacity = 1024
        let name: String? = withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            let length = H5Lget_name_by_idx(
                group, ".", H5_INDEX_NAME, H5_ITER_INC, index, buffer.baseAddress, capacity, hid_t(H5P_DEFAULT))
            guard length >= 0, length < capacity, let start = buffer.baseAddress else { return nil }
            return String(cString: start)
        }
        guard let name else { throw HDF5Handle.failure(file: file, path: prefix, "read a name in the group") }
        return name
    }

    private func dataset(_ id: hid_t, _ path: String) throws(CheckpointError) -> Checkpoint.Value {
        let type = try HDF5Handle(H5Dget_type(id), close: H5Tclose, file: file, path: path, "read the type")
        let space = try HDF5Handle(H5Dget_space(id), close: H5Sclose, file: file, path: path, "read the shape")
        let all = hid_t(H5S_ALL)
        let size = H5Tget_size(type.id)
        switch H5Tget_class(type.id) {
        case H5T_STRING:
            return .text(
                try textValue(space.id, path) { H5Dread(id, text.id, all, all, hid_t(H5P_DEFAULT), $0) })
        case H5T_FLOAT where size == 4:
            let (array, shape): ([Float], [Int]) = try array(id, space.id, path, chdf5_native_float())
            return .float32(array, shape: shape)
        case H5T_FLOAT where size == 8:
            let (array, shape): ([Double], [Int]) = try array(id, space.id, path, chdf5_native_double())
            return .float64(array, shape: shape)
        case H5T_INTEGER where size == 8 && H5Tget_sign(type.id) == H5T_SGN_2:
            let (array, shape): ([Int64], [Int]) = try array(id, space.id, path, chdf5_native_int64())
            return .int64(array, shape: shape)
        case H5T_INTEGER where size == 8 && H5Tget_sign(type.id) == H5T_SGN_NONE:
            let (array, shape): ([UInt64], [Int]) = try array(id, space.id, path, chdf5_native_uint64())
            return .uint64(array, shape: shape)
        default:
            let problem = "has a type that checkpoints do not use: expected float32, float64, int64, uint64 or text"
            throw CheckpointError(.damaged, file: file, path: path, problem: problem)
        }
    }

    private func array<Element: Numeric>(
        _ id: hid_t, _ space: hid_t, _ path: String, _ type: hid_t
    ) throws(CheckpointError) -> ([Element], [Int]) {
        let rank = Int(H5Sget_simple_extent_ndims(space))
        guard rank >= 0 else { throw HDF5Handle.failure(file: file, path: path, "read the shape") }
        var dimensions = [hsize_t](repeating: 0, count: rank)
        try HDF5Handle.check(
            H5Sget_simple_extent_dims(space, &dimensions, nil), file: file, path: path, "read the shape")
        let shape = dimensions.map { Int(clamping: $0) }
        guard let count = elementCount(shape), count <= byteLimit / MemoryLayout<Element>.stride else {
            throw CheckpointError(
                .damaged, file: file, path: path, problem: "its shape \(shape) is larger than the file")
        }
        var array = [Element](repeating: .zero, count: count)
        let all = hid_t(H5S_ALL)
        let status = array.withUnsafeMutableBytes { H5Dread(id, type, all, all, hid_t(H5P_DEFAULT), $0.baseAddress) }
        try HDF5Handle.check(status, file: file, path: path, "read the dataset")
        return (array, shape)
    }

    private func textValue(
        _ space: hid_t, _ path: String, read: (UnsafeMutableRawPointer) -> herr_t
    ) throws(CheckpointError) -> String {
        guard H5Sget_simple_extent_type(space) == H5S_SCALAR else {
            throw CheckpointError(.damaged, file: file, path: path, problem: "expected a single text")
        }
        var pointer: UnsafeMutablePointer<CChar>?
        try HDF5Handle.check(read(&pointer), file: file, path: path, "read the text")
        guard let pointer else { return "" }
        defer { H5free_memory(pointer) }
        guard let string = String(validatingCString: pointer) else {
            throw CheckpointError(.damaged, file: file, path: path, problem: "is not UTF-8 text")
        }
        return string
    }
}
