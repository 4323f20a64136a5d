import Foundation
import TestServers
import Testing

/// The package in python/ with the built library, run by the Python of .venv.
@Suite(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
struct PythonPackageTests {
    private static let library = BerthProcess.executable.deletingLastPathComponent().appending(path: "libberthenv.so")

    private func check(_ name: String) async throws -> String {
        let package = repository.appending(path: "python")
        let result = try await Shell.attempt(
            [
                repository.appending(path: ".venv/bin/python").path, package.appending(path: "tests/checks.py").path,
                name,
            ],
            environment: [
                "PYTHONPATH": package.path, "PYTHONDONTWRITEBYTECODE": "1", "BERTH_LIBRARY": Self.library.path,
            ],
            seconds: 300)
        #expect(
            result.status == 0 && result.errors.isEmpty,
            "for a missing module run scripts/setup.sh --test\n\(result.errors.suffix(4000))")
        return result.output
    }

    @Test(arguments: [
        "gymnasium", "spaces", "illegal-actions", "vector", "seeds", "settings", "closing", "interface", "finding",
        "ppo", "maskable-ppo",
    ])
    func passes(_ name: String) async throws {
        _ = try await check(name)
    }

    @Test func hasTheVersionOfTheProject() async throws {
        let command = try await BerthProcess.run(["--version"]).output
        let package = try await check("version")
        #expect("berth \(package)" == command)
    }

    @Test func theLibraryLinksNothingOfAgentsOrServing() async throws {
        let libraries = try await Shell.run(["ldd", Self.library.path])
        #expect(libraries.contains("libc.so"))
        for other in ["openblas", "hdf5", "curl", "simdjson"] { #expect(!libraries.contains(other), "\(libraries)") }
    }
}
