public import Windows
import Foundation
import Glibc

/// What is wrong with a file of /proc.
public struct ProcError: Error, Hashable, CustomStringConvertible {
    /// The file.
    public let file: String
    /// What was found and what was expected.
    public let message: String

    /// "FILE: MESSAGE".
    public var description: String { "\(file): \(message)" }
}

extension MachineReading {
    /// Reads stat, meminfo and the pressure files under `root`.
    /// - Parameters:
    ///   - root: /proc, or where the host's is mounted.
    ///   - time: the present, in seconds since 1970.
    /// - Throws: `ProcError` where stat or meminfo cannot be read or have another form. Kernels without pressure stall
    ///   information lack its files: that is no error, its values are missing.
    public init(proc root: String = "/proc", time: Double) throws {
        var pressures: [Pressure: String] = [:]
        for pressure in Pressure.allCases {
            pressures[pressure] = try? Self.read("\(root)/pressure/\(pressure.rawValue)")
        }
        try self.init(
            stat: try Self.read("\(root)/stat"), meminfo: try Self.read("\(root)/meminfo"), pressures: pressures,
            ticksPerSecond: Double(sysconf(Int32(_SC_CLK_TCK))), time: time)
    }

    /// Reads the texts of /proc's files (man 5 proc).
    /// - Parameters:
    ///   - stat: /proc/stat.
    ///   - meminfo: /proc/meminfo.
    ///   - pressures: /proc/pressure/cpu, memory and io, those that exist.
    ///   - ticksPerSecond: the unit of /proc/stat: sysconf(_SC_CLK_TCK), 100 on all common machines.
    ///   - time: when they were read, in seconds since 1970.
    /// - Throws: `ProcError` for another form.
    public init(
        stat: String, meminfo: String, pressures: [Pressure: String], ticksPerSecond: Double = 100, time: Double
    ) throws {
        self.init(source: .proc, time: time)
        busySeconds = try Self.busyTicks(stat).mapValues { $0 / ticksPerSecond }
        let memory = try Self.kilobytes(meminfo)
        // Kernels before 3.14 do not estimate what is available; what is free alone would be far too little.
        if let total = memory["MemTotal"], let available = memory["MemAvailable"] {
            memoryBytes = max(0, total - available) * 1_024
        }
        for (pressure, text) in pressures {
            // cgroups without the "full" line and kernels without PSI (EOPNOTSUPP, an empty text) exist.
            stalledSeconds[pressure] = Self.stalledMicroseconds(text).map { $0 / 1e6 }
        }
    }

    /// Ticks that each CPU was busy: user, nice, system, irq and softirq. Guests' time is part of user's.
    private static func busyTicks(_ stat: String) throws -> [Int: Double] {
        var ticks: [Int: Double] = [:]
        for line in stat.split(separator: "\n") where line.hasPrefix("cpu") {
            let fields = line.split(separator: " ")
            guard let number = Int(fields[0].dropFirst(3)) else { continue }  // "cpu" alone is the sum
            let counts = fields.dropFirst().compactMap { Double($0) }
            guard counts.count >= 7, counts.allSatisfy({ $0 >= 0 }) else {
                throw ProcError(file: "stat", message: "expected at least 7 counts in \"\(line)\"")
            }
            ticks[number] = counts[0] + counts[1] + counts[2] + counts[5] + counts[6]
        }
        guard !ticks.isEmpty else { throw ProcError(file: "stat", message: "there is no line of a CPU") }
        return ticks
    }

    private static func kilobytes(_ meminfo: String) throws -> [Substring: Double] {
        var sizes: [Substring: Double] = [:]
        for line in meminfo.split(separator: "\n") {
            let fields = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            if fields.count >= 2, let size = Double(fields[1]) { sizes[fields[0]] = size }
        }
        guard sizes["MemTotal"] != nil else { throw ProcError(file: "meminfo", message: "there is no MemTotal") }
        return sizes
    }

    /// "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345"
    private static func stalledMicroseconds(_ text: String) -> Double? {
        for line in text.split(separator: "\n") where line.hasPrefix("some ") {
            for field in line.split(separator: " ") where field.hasPrefix("total=") {
                return Double(field.dropFirst(6))
            }
        }
        return nil
    }

    private static func read(_ path: String) throws -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw ProcError(file: path, message: "cannot be read: \(error.localizedDescription)")
        }
    }
}
