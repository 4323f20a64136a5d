import Foundation
import Settings
import Simulator
import Testing
import Workloads

/// What is evaluated must never have been trained on.
@Suite struct ShippedSettingsTests {
    private func settings(_ name: String) throws -> SimulatorSettings {
        try SimulatorSettings.load(from: "configs/cluster/\(name).yaml")
    }

    /// Every range of a configuration by the path of its key, without the positions in lists; load patterns by kind.
    private func ranges(_ settings: SimulatorSettings) throws -> [String: [ClosedRange<Double>]] {
        var found: [String: [ClosedRange<Double>]] = [:]
        func visit(_ value: Any, _ path: String) {
            if let pair = value as? [Double], pair.count == 2 {
                found[path, default: []].append(pair[0]...pair[1])
            } else if let list = value as? [Any] {
                for element in list { visit(element, path) }
            } else if let object = value as? [String: Any] {
                let kind = (object["kind"] as? String ?? object["source"] as? String).map { "(\($0))" } ?? ""
                for (key, element) in object { visit(element, "\(path)\(kind).\(key)") }
            }
        }
        visit(try JSONSerialization.jsonObject(with: JSONEncoder().encode(settings)), "")
        return found
    }

    @Test func trainingNeverSeesASpike() throws {
        for pattern in try settings("training").services.patterns { #expect(pattern.selected.kind != "spike") }
        #expect(try settings("heldout").services.patterns.contains { $0.selected.kind == "spike" })
    }

    @Test func rangesAreDisjoint() throws {
        // Sizes, rules of the cluster, and what never acts because no node is lost in one of the two.
        let shared: Set<String> = [
            ".nodes.count", ".nodes.outage", ".nodes.evictionDelay", ".services.count", ".services.kinds.resizeBounds",
            ".services.kinds.limitFactor", ".services.kinds.maximumUnavailable", ".interference.together",
            ".telemetry.pcm.lag", ".telemetry.node.lag",
            ".telemetry.service.lag", ".telemetry.pod.lag",
            // A cpu job burns its intensity; this key does nothing.
            ".interference.kinds(cpu).cores",
        ]
        let training = try ranges(settings("training"))
        let heldOut = try ranges(settings("heldout"))
        var compared = 0
        for (path, evaluated) in heldOut where !shared.contains(path) {
            for range in evaluated {
                for trained in training[path] ?? [] {
                    compared += 1
                    #expect(!range.overlaps(trained), "\(path): \(range) and \(trained)")
                }
            }
        }
        #expect(compared > 40)
        let trainedNodes = Set(try settings("training").nodes.kinds.map { "\($0.cores) \($0.speed)" })
        #expect(try settings("heldout").nodes.kinds.allSatisfy { !trainedNodes.contains("\($0.cores) \($0.speed)") })
    }
}
