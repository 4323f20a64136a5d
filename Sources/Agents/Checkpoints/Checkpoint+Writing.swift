internal import CHDF5
import Glibc

extension Checkpoint {
    /// Writes the checkpoint to `path`, in place of a file that is there.
    ///
    /// The data goes to `.NAME.partial` in the same folder, is brought to the disk and then renamed, so that a crash or
    /// a kill at any moment leaves the old file or the new one whole. Two processes must not write one path at a time.
    /// - Throws: `CheckpointError` for a value that cannot be stored, and for whatever the disk refuses; the old file is
    ///   then untouched.
    public func write(to path: String) throws(CheckpointError) {
        try check()
        let (folder, name) = CheckpointFile.split(path)
        guard !name.isEmpty else { throw CheckpointError(.system, file: path, problem: "names a folder, not a file") }
        guard access(folder, W_OK) == 0 else { throw CheckpointFile.systemError(folder, "write into the folder") }
        let temporary = "\(folder)/.\(name).partial"
        do throws(CheckpointError) {
            try HDF5Library.withLock { _ throws(CheckpointError) in
                try writeTree(to: temporary)
            }
            try CheckpointFile.seal(temporary)
            try CheckpointFile.replace(path, by: temporary)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    private func writeTree(to file: String) throws(CheckpointError) {
        let creation = try HDF5Handle(
            H5Pcreate(chdf5_class_file_create()), close: H5Pclose, file: file, "make a property list")
        try HDF5Handle.check(
            H5Pset_userblock(creation.id, hsize_t(CheckpointHeader.byteCount)), file: file, "reserve the header")
        let access = try HDF5Handle.withoutLocks(file: file)
        let root = try HDF5Handle(
            H5Fcreate(file, chdf5_truncate(), creation.id, access.id), close: H5Fclose, file: file,
            "create the file")
        let writer = try TreeWriter(file: file)
        try writer.attribute("format", .text("berth-checkpoint"), of: root.id)
        try writer.attribute("format_version", .int64([Int64(CheckpointHeader.formatVersion)], shape: []), of: root.id)
        try writer.attribute("project_version", .text(projectVersion), of: root.id)
        var groups: Set<String> = []
        // In order of name, so that equal checkpoints give equal files.
        for (path, value) in values.sorted(by: { $0.key < $1.key }) {
            let parts = path.split(separator: "/")
            for length in 1..<parts.count {
                let group = parts[..<length].joined(separator: "/")
                if groups.insert(group).inserted { try writer.group(group, in: root.id) }
            }
            try writer.dataset(path, value, in: root.id)
        }
        // The handle's own close comes too late to be asked whether the disk took everything.
        try HDF5Handle.check(H5Fflush(root.id, H5F_SCOPE_LOCAL), file: file, "write the file")
    }
}

/// Makes the objects of one file. Lives inside the library's lock.
private struct TreeWriter: ~Copyable {
    let file: String
    let text: HDF5Handle
    let properties: HDF5Handle

    init(file: String) throws(CheckpointError) {
        let text = try textType(file: file)
        let properties = try HDF5Handle(
            H5Pcreate(chdf5_class_dataset_create()), close: H5Pclose, file: file, "make a property list")
        // No time stamps: equal checkpoints give equal files.
        try HDF5Handle.check(H5Pset_obj_track_times(properties.id, false), file: file, "make a property list")
        self.file = file
        self.text = text
        self.properties = properties
    }

    func group(_ path: String, in root: hid_t) throws(CheckpointError) {
        _ = try HDF5Handle(
            H5Gcreate2(root, path, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT)), close: H5Gclose,
            file: file, path: path, "make the group")
    }

    func dataset(_ path: String, _ value: Checkpoint.Value, in root: hid_t) throws(CheckpointError) {
        let (type, memory, shape) = layout(value)
        let space = try dataspace(shape, path)
        let dataset = try HDF5Handle(
            H5Dcreate2(root, path, type, space.id, hid_t(H5P_DEFAULT), properties.id, hid_t(H5P_DEFAULT)),
            close: H5Dclose, file: file, path: path, "make the dataset")
        let all = hid_t(H5S_ALL)
        let status = withBytes(value) { H5Dwrite(dataset.id, memory, all, all, hid_t(H5P_DEFAULT), $0) }
        try HDF5Handle.check(status, file: file, path: path, "write the dataset")
    }

    func attribute(_ name: String, _ value: Checkpoint.Value, of root: hid_t) throws(CheckpointError) {
        let (type, memory, shape) = layout(value)
        let space = try dataspace(shape, name)
        let attribute = try HDF5Handle(
            H5Acreate2(root, name, type, space.id, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT)), close: H5Aclose,
            file: file, path: name, "make the attribute")
        let status = withBytes(value) { H5Awrite(attribute.id, memory, $0) }
        try HDF5Handle.check(status, file: file, path: name, "write the attribute")
    }

    /// Type in the file, type in memory, shape.
    private func layout(_ value: Checkpoint.Value) -> (hid_t, hid_t, [Int]) {
        switch value {
        case .float32(_, let shape): (chdf5_file_float32(), chdf5_native_float(), shape)
        case .float64(_, let shape): (chdf5_file_float64(), chdf5_native_double(), shape)
        case .int64(_, let shape): (chdf5_file_int64(), chdf5_native_int64(), shape)
        case .uint64(_, let shape): (chdf5_file_uint64(), chdf5_native_uint64(), shape)
        case .text: (text.id, text.id, [])
        }
    }

    private func dataspace(_ shape: [Int], _ path: String) throws(CheckpointError) -> HDF5Handle {
        let dimensions = shape.map { hsize_t($0) }
        let space = shape.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), dimensions, nil)
        return try HDF5Handle(space, close: H5Sclose, file: file, path: path, "make a dataspace")
    }

    private func withBytes(_ value: Checkpoint.Value, _ body: (UnsafeRawPointer?) -> herr_t) -> herr_t {
        switch value {
        case .float32(let array, _): array.withUnsafeBytes { body($0.baseAddress) }
        case .float64(let array, _): array.withUnsafeBytes { body($0.baseAddress) }
        case .int64(let array, _): array.withUnsafeBytes { body($0.baseAddress) }
        case .uint64(let array, _): array.withUnsafeBytes { body($0.baseAddress) }
        case .text(let text): text.withCString { pointer in withUnsafeBytes(of: pointer) { body($0.baseAddress) } }
        }
    }
}

/// Scalar UTF-8 text of any length.
func textType(file: String) throws(CheckpointError) -> HDF5Handle {
    let type = try HDF5Handle(H5Tcopy(chdf5_c_string()), close: H5Tclose, file: file, "make a text type")
    try HDF5Handle.check(H5Tset_size(type.id, chdf5_variable_length()), file: file, "make a text type")
    try HDF5Handle.check(H5Tset_cset(type.id, H5T_CSET_UTF8), file: file, "make a text type")
    return type
}
