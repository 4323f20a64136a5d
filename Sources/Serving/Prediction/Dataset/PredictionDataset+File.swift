public import Checkpoints
import Foundation

extension PredictionDataset {
    /// The data set as named arrays: what its HDF5 file holds.
    public var checkpoint: Checkpoint {
        var result = Checkpoint()
        let (count, names) = (rows.count, { (list: [String]) in Value.text(list.joined(separator: "\n")) })
        result["dataset/features"] = names(features)
        result["dataset/values"] = .float32(values, shape: [count, width])
        result["dataset/origin"] = .text(origin)
        result["dataset/window_seconds"] = .float64([windowSeconds], shape: [])
        let (nodes, services) = (Set(rows.map(\.node)).sorted(), Set(rows.map(\.service)).sorted())
        result["dataset/node_names"] = names(nodes)
        result["dataset/service_names"] = names(services)
        result["dataset/node"] = .int64(rows.map { Int64(nodes.firstIndex(of: $0.node) ?? 0) }, shape: [count])
        result["dataset/service"] = .int64(rows.map { Int64(services.firstIndex(of: $0.service) ?? 0) }, shape: [count])
        result["dataset/episode"] = .int64(rows.map { Int64($0.episode) }, shape: [count])
        result["dataset/seed"] = .uint64(rows.map(\.seed), shape: [count])
        result["dataset/window"] = .int64(rows.map { Int64($0.window) }, shape: [count])
        result["dataset/time"] = .float64(rows.map(\.time), shape: [count])
        result["dataset/requests"] = .float64(rows.map(\.requests), shape: [count])
        result["dataset/age"] = .float64(rows.map(\.age), shape: [count])
        result["dataset/objective"] = .float64(rows.map(\.objective), shape: [count])
        result["dataset/p99"] = .float64(rows.map(\.p99), shape: [count])
        return result
    }

    private typealias Value = Checkpoint.Value

    /// Reads a data set back.
    /// - Throws: `CheckpointError` naming what is missing or has another type or shape; `PredictionError` for names that
    ///   are out of range.
    public init(_ checkpoint: Checkpoint) throws {
        func names(_ path: String) throws -> [String] {
            try checkpoint.text(path).split(separator: "\n").map(String.init)
        }
        let features = try names("dataset/features")
        self.init(features: features, windowSeconds: try checkpoint.double("dataset/window_seconds"))
        // Files of the first release have none.
        if checkpoint["dataset/origin"] != nil { origin = try checkpoint.text("dataset/origin") }
        let episodes = try checkpoint.integers("dataset/episode")
        let shape = [episodes.count]
        let values = try checkpoint.floats("dataset/values", shape: [episodes.count, features.count])
        let (nodeNames, serviceNames) = (try names("dataset/node_names"), try names("dataset/service_names"))
        let nodes = try checkpoint.integers("dataset/node", shape: shape)
        let services = try checkpoint.integers("dataset/service", shape: shape)
        let seeds = try checkpoint.words("dataset/seed", shape: shape)
        let windows = try checkpoint.integers("dataset/window", shape: shape)
        let times = try checkpoint.doubles("dataset/time", shape: shape)
        let requests = try checkpoint.doubles("dataset/requests", shape: shape)
        let ages = try checkpoint.doubles("dataset/age", shape: shape)
        let objectives = try checkpoint.doubles("dataset/objective", shape: shape)
        let labels = try checkpoint.doubles("dataset/p99", shape: shape)
        guard windowSeconds > 0, windowSeconds.isFinite else {
            throw PredictionError(.unsound, "dataset/window_seconds is \(windowSeconds), expected seconds above 0")
        }
        // Far more than there can be, and far from overflowing when data sets are joined.
        let numbers = Int64(0)..<1 << 40
        for index in episodes.indices {
            guard numbers.contains(episodes[index]), numbers.contains(windows[index]) else {
                throw PredictionError(.unsound, "dataset/episode or dataset/window: row \(index) has no sound number")
            }
            guard nodeNames.indices.contains(Int(nodes[index])), serviceNames.indices.contains(Int(services[index]))
            else {
                throw PredictionError(.unsound, "dataset/node or dataset/service: row \(index) names what there is not")
            }
            append(
                Row(
                    episode: Int(episodes[index]), seed: seeds[index], window: Int(windows[index]),
                    time: times[index],
                    node: nodeNames[Int(nodes[index])], service: serviceNames[Int(services[index])],
                    requests: requests[index], age: ages[index], objective: objectives[index], p99: labels[index]),
                features: values[index * features.count..<(index + 1) * features.count])
        }
        // Each release added to the end of that list.
        let isEarlier = Self.completed.indices.contains { first in
            let added = Self.completed[first...].map(\.rawValue)
            return features == PredictionFeature.names.filter { !added.contains($0) }
        }
        if isEarlier { self = completing() }
    }

    /// Features that files of earlier releases lack, in their order.
    private static let completed: [PredictionFeature] = [
        .cpuPerRequest, .p99Before, .backlog, .p99Elsewhere, .neighbourRisk,
    ]

    /// The data set with the features that files of earlier releases lack: `cpu_per_request` follows from others,
    /// `backlog` from others and the row's requests, `p99_before` is the label of the row of the window before, where that
    /// is there, and the labels of the same window's rows tell `p99_elsewhere` and `neighbour_risk`. Files do not tell
    /// whether a rate was an earlier window's.
    private func completing() -> PredictionDataset {
        func key(_ row: Row, window: Int) -> String { "\(row.episode)/\(window)/\(row.node)/\(row.service)" }
        let labels = Dictionary(
            rows.map { (key($0, window: $0.window), $0.p99) }, uniquingKeysWith: { first, _ in first })
        let windows = Dictionary(grouping: rows) { [$0.episode, $0.window] }.mapValues { WindowLatencies($0) }
        var result = PredictionDataset(windowSeconds: windowSeconds)
        result.origin = origin
        for (index, row) in rows.enumerated() {
            let latencies = windows[[row.episode, row.window]]
            let before = labels[key(row, window: row.window - 1)]
            let known = Dictionary(uniqueKeysWithValues: zip(features, features(of: index)))
            let rate = known["replica_rate"] ?? .nan
            let perRequest = rate > 0 ? (known["replica_cpu"] ?? .nan) / rate : .nan
            let sent = windowSeconds * Double(rate * (known["replicas"] ?? .nan))
            let backlog = sent > 0 ? Float(row.requests / sent - 1) : .nan
            result.append(
                row,
                features: PredictionFeature.allCases.map { feature in
                    if let value = known[feature.rawValue] { return value }
                    return switch feature {
                    case .cpuPerRequest: perRequest
                    case .p99Before: before.map { Float($0) } ?? .nan
                    case .backlog: backlog
                    case .p99Elsewhere: latencies?.p99Elsewhere(of: row).map { Float($0) } ?? .nan
                    case .neighbourRisk: latencies?.neighbourRisk(of: row).map { Float($0) } ?? .nan
                    default: .nan
                    }
                })
        }
        return result
    }

    /// Writes the data set as an HDF5 file, in place of what was there, whole or not at all.
    /// - Throws: `CheckpointError` naming the file.
    public func write(to file: String) throws { try checkpoint.write(to: file) }

    /// Reads a file that `write` wrote.
    /// - Throws: `CheckpointError` or `PredictionError` naming the file and what is wrong with it.
    public init(file: String) throws {
        self = try PredictionError.naming(file) { try Self(Checkpoint.read(file)) }
    }

    /// Reads several files as one data set, whose episodes get numbers of their own.
    /// - Throws: `CheckpointError` or `PredictionError` naming the file and what is wrong with it.
    public init(joining files: [String]) throws {
        guard let first = files.first else { throw PredictionError(.unusableData, "no data set is named") }
        self = try PredictionDataset(file: first)
        for file in files.dropFirst() {
            let next = try PredictionDataset(file: file)
            try PredictionError.naming(file) { try append(next) }
        }
    }
}
