import COpenBLAS

/// The set of OpenBLAS' kernels that multiplies the matrices of this process.
///
/// It is chosen before `main`: the one that the environment variable `OPENBLAS_CORETYPE` names; without it OpenBLAS'
/// own choice, or a faster one where OpenBLAS does not know the processor. Sets differ in the last bits of products.
public struct KernelSet: Sendable, Hashable, CustomStringConvertible {
    /// OpenBLAS' name for the set, such as "SkylakeX" or "Haswell".
    public let name: String
    /// Why it is this one, in a few words.
    public let reason: String

    /// - Parameters:
    ///   - name: the set in use.
    ///   - first: the set that the library took first.
    ///   - asked: what `OPENBLAS_CORETYPE` said; `nil` where it said nothing.
    package init(name: String, first: String, asked: String?) {
        self.name = name
        if let asked {
            reason =
                name.lowercased() == asked.lowercased()
                ? "as OPENBLAS_CORETYPE says"
                : "OpenBLAS' own choice: it has none named \(asked), which OPENBLAS_CORETYPE asks for"
        } else {
            reason = name == first ? "OpenBLAS' own choice" : "in place of \(first), which OpenBLAS chose"
        }
    }

    /// The set in use.
    public static var current: KernelSet {
        KernelSet(
            name: String(cString: berth_openblas_set()), first: String(cString: berth_openblas_first_set()),
            asked: berth_openblas_asked_set().map { String(cString: $0) })
    }

    /// One line: the library's version, the set and the reason.
    public var description: String {
        // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": what comes after the version is about its build.
        let library = String(cString: berth_openblas_build()).split(separator: " ").prefix(2).joined(separator: " ")
        return "\(library), kernels for \(name) (\(reason))"
    }

    /// Takes a measurement with each of the sets that may be the fastest on this processor, whatever
    /// `OPENBLAS_CORETYPE` says, and goes back to the present one. No other thread may multiply meanwhile.
    /// - Parameter seconds: measures something that multiplies.
    /// - Returns: the shortest of the measured times.
    public static func shortest(_ seconds: () throws -> Double) rethrows -> Double {
        let level = berth_openblas_level()
        // The one in use, the library's own choice, and those for what the processor can do.
        let names: [String?] = [nil, ""] + (level >= 4 ? ["SkylakeX"] : []) + (level >= 3 ? ["Haswell"] : [])
        defer { berth_openblas_use(nil) }
        var shortest = Double.infinity
        for name in names {
            berth_openblas_use(name)
            shortest = min(shortest, try seconds())
        }
        return shortest
    }
}
