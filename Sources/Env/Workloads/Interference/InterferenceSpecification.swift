import Foundation
public import Settings

/// Interference of one kind on one node for some time, as a stress-ng pod makes it.
///
/// The strength is given either as a level or as an amount. What level 1 is, and how a lower one is made:
///
/// | source | level 1 | level x |
/// |---|---|---|
/// | cpu | `workers` busy cores | each busy for a share x of slices of 100 ms |
/// | memoryBandwidth | `workers` times `fullBandwidth` | x times that rate |
/// | memoryCapacity | a quarter of the machine's memory | x times that much |
/// | all others | `workers` workers without a pause | a CPU limit of x · `workers` on the pod: they pause for the rest |
///
/// of every period of 100 ms, since stress-ng has no setting for these.
public struct InterferenceSpecification: Configurable, Equatable {
    /// The resource that it is after.
    public var source = StressSource.cpu
    /// Strength from 0, exclusive, to 1.
    public var level: Double?
    /// Strength in the source's unit (`StressSource.unit`), all workers together: cores, MB/s read and as many written in
    /// turn, or MiB held.
    public var amount: Double?
    /// Processes of stress-ng.
    public var workers = 1
    /// MB/s per worker that level 1 of `memoryBandwidth` asks for.
    public var fullBandwidth = 4000.0
    /// Name of the node that it runs on; empty where `nodeSelector` says it.
    public var node = ""
    /// Labels of the nodes that it may run on; empty where `node` says it.
    public var nodeSelector: [String: String] = [:]
    /// Seconds from the episode's start until it begins.
    public var start = 0.0
    /// Seconds that it lasts; fractions count as a whole second.
    public var duration = 60.0
    /// CPU that the pod requests in cores, which is its weight against other pods; 0 for none.
    public var cpuRequest = 0.0
    /// Memory that the pod requests in MiB; 0 for none.
    public var memoryRequest = 0.0

    /// A minute of CPU interference; its strength and its node have to be given.
    public init() {}

    public func validate() throws(SettingsError) {
        try require("level", (level == nil) != (amount == nil), must: "be given, or else amount, but not both")
        if let level {
            try require("level", level, above: 0)
            try require("level", level, in: ...1)
        }
        if let amount {
            try require("amount", source.unit != nil, must: "be left out for \(source.rawValue): give a level")
            try require("amount", amount, above: 0)
            try require("amount", amount, in: ...1e6)
        }
        try require("workers", workers, in: 1...1024)
        if source == .cpu, let amount {
            try require("amount", amount <= Double(workers), must: "be at most workers, one core each (\(workers))")
        }
        try require("fullBandwidth", fullBandwidth, in: 1...1e6)
        try require(
            "node", node.isEmpty != nodeSelector.isEmpty, must: "be given, or else nodeSelector, but not both")
        try require("start", start, in: 0...)
        try require("duration", duration, above: 0)
        try require("duration", duration, in: ...86_400)
        try require("cpuRequest", cpuRequest, in: 0...1024)
        if let cpuLimit {
            try require("cpuRequest", cpuRequest <= cpuLimit, must: "be at most \(cpuLimit), the level's CPU limit")
        }
        try require("memoryRequest", memoryRequest, in: 0...1e6)
    }

    /// Seconds that it runs: `duration` rounded up, as stress-ng takes it.
    public var seconds: Int { Int(duration.rounded(.up)) }

    /// The command line after `stress-ng`.
    public var stressNGArguments: [String] {
        let count = "\(workers)"
        let strength: [String] =
            switch source {
            case .cpu:
                ["--cpu", count, "--cpu-load", "\(percent(level ?? share))", "--cpu-load-slice", "100"]
            case .lastLevelCache: ["--cache", count, "--cache-level", "3"]
            case .l1d: ["--l1cache", count]
            case .l1i: ["--icache", count]
            case .memoryBandwidth:
                ["--memrate", count, "--memrate-bytes", "256m"]
                    + ["--memrate-rd-mbs", "\(bandwidth)", "--memrate-wr-mbs", "\(bandwidth)"]
            case .memoryCapacity: ["--vm", count, "--vm-bytes", bytes, "--vm-keep"]
            case .network: ["--sock", count]
            case .disk: ["--iomix", count, "--iomix-bytes", "64m"]
            }
        return strength + ["--timeout", "\(seconds)s", "--temp-path", "/tmp", "--quiet"]
    }

    /// The CPU limit, in cores, that makes the level of a source for which stress-ng has no setting; `nil` for none.
    public var cpuLimit: Double? {
        switch source {
        case .cpu, .memoryBandwidth, .memoryCapacity: nil
        case .lastLevelCache, .l1d, .l1i, .network, .disk:
            level.flatMap { $0 < 1 ? max(0.001, $0 * Double(workers)) : nil }
        }
    }

    /// Share of its workers' cores that an amount of CPU is.
    private var share: Double { (amount ?? 0) / Double(workers) }

    /// MB/s per worker.
    private var bandwidth: Int {
        max(1, Int((amount.map { $0 / Double(workers) } ?? (level ?? 0) * fullBandwidth).rounded()))
    }

    /// Memory of all workers together, as stress-ng takes it: it divides it among them.
    private var bytes: String {
        amount.map { "\(max(1, Int($0.rounded())))m" } ?? "\(max(1, Int((25 * (level ?? 0)).rounded())))%"
    }

    /// A share as a whole number from 1 to 100, as stress-ng takes it; 0 would be no load at all.
    private func percent(_ share: Double) -> Int { min(100, max(1, Int((100 * share).rounded()))) }
}
