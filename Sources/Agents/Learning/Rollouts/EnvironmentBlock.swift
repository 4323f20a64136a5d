/// How environments are grouped for rollouts: in blocks that depend on their number only.
///
/// A block has a network pass of its own, and one thread at a time works on it. The last bits that OpenBLAS gives a row
/// depend on the shape of the product and on the row's place in it (see `Kernels`); a block's environments decide both,
/// so the number of threads decides neither, and any number of threads gives the same bits.
enum EnvironmentBlocks {
    /// Environments of a block: enough for products that are worth a call, few enough that threads find blocks to
    /// share.
    static let size = 4

    /// The indices of each block; the last one may be smaller.
    static func ranges(count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: size).map { $0..<min($0 + size, count) }
    }
}
