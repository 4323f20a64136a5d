import Foundation

/// The right to use this machine's testbed: there is one, and two test runs would take it from each other.
struct TestbedLease {
    /// One for the machine, as are the testbed's network namespace and cgroups; empty, and gone with a reboot.
    private static let path = "/run/berth-testbed.lock"

    private let file: FileHandle

    /// Waits until no other test run holds the lease, for at most 20 minutes.
    static func acquire() async throws -> TestbedLease {
        if !FileManager.default.fileExists(atPath: path) { try Data().write(to: URL(fileURLWithPath: path)) }
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        for _ in 0..<1200 {
            // Such a lock is this process's own, not its children's, and gone with it however it ends.
            if lockf(file.fileDescriptor, F_TLOCK, 0) == 0 { return TestbedLease(file: file) }
            try await Task.sleep(for: .seconds(1))
        }
        try file.close()
        throw Taken()
    }

    /// Lets the next test run have it.
    func release() throws {
        try file.close()
    }

    /// Another process kept the lease.
    struct Taken: Error, CustomStringConvertible {
        var description: String {
            "another process has held \(TestbedLease.path) for 20 minutes: a test run on the same testbed; end it"
        }
    }
}
