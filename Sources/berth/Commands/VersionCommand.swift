import ArgumentParser
import Checkpoints
import LinearAlgebra

/// `berth version`
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Prints the version, as --version does.")

    @Flag(name: .long, help: "Also prints which of OpenBLAS' kernels multiply matrices here, and why these.")
    var verbose = false

    mutating func run() {
        print("berth \(ProjectVersion.current)")
        if verbose { print("matrices: \(KernelSet.current)") }
    }
}
