import Cluster
import Foundation
import Testing

/// docs/observations.md names what the encoder writes: all of it, in order, and nothing else.
@Suite struct ObservationsPageTests {
    /// The first cells, in backticks, of the tables under a heading.
    private static func features(under heading: String) throws -> [String] {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../docs/observations.md")
        let sections = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "\n## ")
        let section = try #require(sections.first { $0.hasPrefix("\(heading)\n") })
        return section.components(separatedBy: "\n").filter { $0.hasPrefix("| `") }.compactMap {
            $0.split(separator: "`").dropFirst().first.map(String.init)
        }
    }

    private static func part(of names: [String], after prefix: String) -> [String] {
        names.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    @Test func namesEveryFeatureInOrder() throws {
        let schema = ObservationEncoder.schema
        #expect(try Self.features(under: "Node") == schema.node)
        #expect(Self.part(of: schema.candidate, after: "node: ") == schema.node)
        let services = Self.part(of: schema.candidate, after: "service: ")
        #expect(try Self.features(under: "Service") == services)
        #expect(Self.part(of: schema.context, after: "mean over services: ") == services)
        #expect(Self.part(of: schema.context, after: "max over services: ") == services)
        let cluster = try Self.features(under: "Cluster")
        #expect(cluster == Array(schema.context.prefix(cluster.count)))
        #expect(cluster.count + 2 * services.count == schema.context.count)
        let actions = try Self.features(under: "Candidate")
        #expect(actions == Array(schema.candidate.prefix(actions.count)))
        #expect(actions.count + schema.node.count + services.count == schema.candidate.count)
        let predicting = ObservationEncoder.schemaWithPredictions
        #expect(try schema.candidate + Self.features(under: "Predictions") == predicting.candidate)
        #expect(predicting.context == schema.context && predicting.node == schema.node)
    }

    /// Who fills what is declared beside each feature; the page holds the table that follows from it.
    @Test func saysWhoFillsWhat() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../docs/observations.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        #expect(text.contains(ObservationEncoder.sourcesTable), "expected\n\(ObservationEncoder.sourcesTable)")
    }
}
