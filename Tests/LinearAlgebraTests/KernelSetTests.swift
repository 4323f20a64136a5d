import COpenBLAS
import Foundation
import LinearAlgebra
import TestServers
import Testing

/// Runs ShowKernels with variables set, or unset for `nil`.
private func showKernels(
    _ variables: [String: String?], arguments: [String] = []
) async throws -> (status: Int32, lines: [String], errors: String) {
    let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "ShowKernels")
    return try await onThread {
        let process = Process()
        let (output, errors) = (Pipe(), Pipe())
        process.executableURL = program
        process.arguments = arguments
        var environment = ProcessInfo.processInfo.environment
        for (name, value) in variables { environment[name] = value }
        process.environment = environment
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // Both are far shorter than what a pipe holds.
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let errorText = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text.split(separator: "\n").map(String.init), errorText)
    }
}

/// A folder for a file in the place of OpenBLAS, and the search path that begins with it.
private struct StandIn {
    let folder = FileManager.default.temporaryDirectory.appending(path: "berth-kernels-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false) }

    var library: URL { folder.appending(path: "libopenblas.so.0") }

    var searchPath: String {
        let others = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"].map { ":\($0)" } ?? ""
        return folder.path + others
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }
}

/// A compiler of C, to make a library that chooses as OpenBLAS does on a processor that it does not know.
private let compiler = ["/usr/bin/cc", "/usr/bin/clang", "/usr/bin/gcc"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

@Suite("Kernel sets")
struct KernelSetTests {
    @Test(
        "are replaced by what the processor can do, and only by that",
        arguments: [
            ("Prescott", 4, "SkylakeX"), ("Barcelona", 4, "SkylakeX"), ("Sandybridge", 4, "SkylakeX"),
            ("Unknown", 4, "SkylakeX"), ("Haswell", 4, "SkylakeX"), ("Zen", 4, "SkylakeX"),
            ("Excavator", 4, "SkylakeX"),
            ("SkylakeX", 4, nil), ("Cooperlake", 4, nil), ("SapphireRapids", 4, nil), ("Later", 4, nil),
            ("Prescott", 3, "Haswell"), ("Bulldozer", 3, "Haswell"), ("Nehalem", 3, "Haswell"),
            ("Haswell", 3, nil), ("Zen", 3, nil), ("Excavator", 3, nil), ("NEOVERSEN1", 3, nil),
            ("Prescott", 0, nil), ("Sandybridge", 0, nil), ("Haswell", 0, nil), ("ARMV8", 0, nil),
        ] as [(String, Int32, String?)])
    func better(taken: String, level: Int32, expected: String?) {
        #expect(berth_openblas_better_set(taken, level).map { String(cString: $0) } == expected)
    }

    @Test("of this processor's level are those that the system says it has", .enabled(if: isX86))
    func level() throws {
        let information = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        let line = try #require(information.split(separator: "\n").first { $0.hasPrefix("flags") })
        let flags = Set(line.split(separator: " ").map(String.init))
        let level = berth_openblas_level()
        if level >= 3 { #expect(flags.isSuperset(of: ["avx2", "fma", "bmi2"])) }
        #expect(
            (level == 4)
                == flags.isSuperset(of: ["avx2", "fma", "avx512f", "avx512dq", "avx512cd", "avx512bw", "avx512vl"]))
    }

    @Test("say who chose them")
    func reason() {
        func reason(_ name: String, _ first: String, _ asked: String?) -> String {
            KernelSet(name: name, first: first, asked: asked).reason
        }
        #expect(reason("SkylakeX", "Prescott", nil) == "in place of Prescott, which OpenBLAS chose")
        #expect(reason("Zen", "Zen", nil) == "OpenBLAS' own choice")
        #expect(reason("Haswell", "Haswell", "haswell") == "as OPENBLAS_CORETYPE says")
        #expect(
            reason("Zen", "Zen", "Pentium")
                == "OpenBLAS' own choice: it has none named Pentium, which OPENBLAS_CORETYPE asks for")
    }

    @Test("in the loaded library are those that were chosen")
    func chosen() async throws {
        // This process, whatever its environment says, and one whose environment says nothing.
        let current = KernelSet.current
        let first = String(cString: berth_openblas_first_set())
        if let asked = berth_openblas_asked_set().map({ String(cString: $0) }) {
            #expect(current == KernelSet(name: first, first: first, asked: asked))
        } else {
            let better = berth_openblas_better_set(first, berth_openblas_level()).map { String(cString: $0) }
            #expect(current.name == better ?? first)
        }
        let child = try await showKernels(["OPENBLAS_CORETYPE": nil])
        #expect(child.status == 0, "\(child.errors)")
        #expect(
            child.lines.last?.contains("OpenBLAS' own choice") == true
                || child.lines.last?.contains("in place of") == true)
        let name = try #require(child.lines.first)
        let left = berth_openblas_better_set(name, berth_openblas_level())
        #expect(left == nil, "a faster set than \(child.lines) was left")
    }

    @Test("are the user's where there are any", .enabled(if: isX86), arguments: ["Prescott", "nehalem"])
    func asked(name: String) async throws {
        let child = try await showKernels(["OPENBLAS_CORETYPE": name])
        #expect(child.lines.first?.lowercased() == name.lowercased(), "\(child.errors)")
        #expect(child.lines.last?.hasSuffix("(as OPENBLAS_CORETYPE says)") == true, "\(child.lines)")
    }

    @Test("that the library does not have are reported")
    func unknown() async throws {
        let child = try await showKernels(["OPENBLAS_CORETYPE": "Pentium"])
        #expect(child.lines.last?.contains("it has none named Pentium") == true, "\(child.lines) \(child.errors)")
    }

    @Test(
        "take the place of a poor choice of the library's", .enabled(if: compiler != nil, "there is no C compiler"),
        .enabled(if: berth_openblas_level() >= 3, "the processor has no AVX2"))
    func replaced() async throws {
        let source = """
            char *getenv(const char *);
            static char *set = "Prescott", *threads = "";
            __attribute__((constructor)) static void start(void) {
                if (getenv("OPENBLAS_CORETYPE")) set = getenv("OPENBLAS_CORETYPE");
                threads = getenv("OPENBLAS_NUM_THREADS");
            }
            char *openblas_get_corename(void) { return set; }
            char *openblas_get_config(void) { return threads[0] == '1' ? "Stand-in 1" : "Stand-in many"; }
            void cblas_sgemm(void) {}
            """
        let standIn = try StandIn()
        defer { standIn.remove() }
        let process = Process()
        process.executableURL = URL(filePath: compiler ?? "")
        process.arguments = ["-shared", "-fPIC", "-o", standIn.library.path, "-x", "c", "-"]
        let input = Pipe()
        process.standardInput = input
        try process.run()
        input.fileHandleForWriting.write(Data(source.utf8))
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        let child = try await showKernels(["OPENBLAS_CORETYPE": nil, "LD_LIBRARY_PATH": standIn.searchPath])
        let expected = berth_openblas_level() >= 4 ? "SkylakeX" : "Haswell"
        #expect(
            child.lines == [
                expected, "Stand-in 1, kernels for \(expected) (in place of Prescott, which OpenBLAS chose)",
            ], "\(child.errors)")
    }

    @Test("need a library that can be loaded, or the program says what is wrong")
    func missing() async throws {
        let standIn = try StandIn()
        defer { standIn.remove() }
        try Data().write(to: standIn.library)
        let child = try await showKernels(["LD_LIBRARY_PATH": standIn.searchPath])
        #expect(child.status == 127 && child.lines.isEmpty)
        #expect(child.errors.hasPrefix("error: OpenBLAS cannot be loaded: "), "\(child.errors)")
        #expect(child.errors.contains("libopenblas.so.0: file too short\nhint: install it"), "\(child.errors)")
    }

    /// In a process of its own: no other thread may multiply meanwhile.
    @Test("are measured one by one", .enabled(if: isX86))
    func measured() async throws {
        let child = try await showKernels(["OPENBLAS_CORETYPE": "Prescott"], arguments: ["measure"])
        let names = child.lines.dropLast(2)
        #expect(names.first == "Prescott" && child.lines.dropLast().last == "Prescott", "\(child.lines)")
        let level = berth_openblas_level()
        #expect(names.count == 2 + (level >= 3 ? 1 : 0) + (level >= 4 ? 1 : 0), "\(child.lines) \(child.errors)")
        if level >= 3 { #expect(names.last == "Haswell") }
        if level >= 4 { #expect(names.contains("SkylakeX")) }
    }
}

private var isX86: Bool {
    #if arch(x86_64)
        true
    #else
        false
    #endif
}
