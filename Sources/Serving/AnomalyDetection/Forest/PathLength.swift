import Foundation

/// The mean length of paths in trees that isolate points (Liu, Ting and Zhou, "Isolation Forest", ICDM 2008).
public enum PathLength {
    /// c(n), the mean length of an unsuccessful search in a binary search tree of `count` points (equation 1):
    /// 2 H(n - 1) - 2 (n - 1) / n with H(i) = ln i + Euler's constant; 1 for 2 points, 0 for fewer. In edges.
    ///
    /// The logarithm is the paper's: it is below the exact harmonic number by 1 / (2 i), 0.002 for i = 255.
    public static func expected(_ count: Int) -> Double {
        guard count > 2 else { return count == 2 ? 1 : 0 }
        let n = Double(count)
        return 2 * (log(n - 1) + eulersConstant) - 2 * (n - 1) / n
    }

    /// The height at which trees over `sampleSize` points end: ceil(log2(n)), about the mean height of such trees.
    public static func heightLimit(_ sampleSize: Int) -> Int {
        guard sampleSize > 1 else { return 0 }
        return Int.bitWidth - (sampleSize - 1).leadingZeroBitCount
    }

    private static let eulersConstant = 0.577215664901532861
}
