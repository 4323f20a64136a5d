import Foundation
import JSON
import Kubernetes
import Testing

@Suite struct ManifestTests {
    /// The values are those that kubectl 1.32 prints for this text (`kubectl patch --local --type=merge -p {} -o json
    /// --dry-run=client`, with a Pod for its kind).
    @Test func readsScalarsAsKubectlDoes() throws {
        let text = """
            apiVersion: example.org/v1
            kind: Anything
            metadata: {name: all, labels: {app: "8080"}}
            spec:
              flag: no
              mode: 0644
              hex: 0x1F
              ratio: 1.5e3
              port: "8080"
              time: 2026-01-31T12:00:00Z
              pair: 1:30
              empty:
              tilde: ~
              version: 1.20.2
              text: !!str 12
              negative: -7
              block: |
                12
              quantity: 500m
            """
        let manifest = try #require(try Manifest.parse(yaml: text, place: "x.yaml").first)
        let expected: JSONValue = [
            "flag": false, "mode": 420, "hex": 31, "ratio": .number(1_500), "port": "8080",
            "time": "2026-01-31T12:00:00Z", "pair": "1:30", "empty": .null, "tilde": .null, "version": "1.20.2",
            "text": "12", "negative": -7, "block": "12\n", "quantity": "500m",
        ]
        #expect(manifest["spec"] == expected)
        #expect(manifest.labels == ["app": "8080"])
    }

    @Test func readsSeveralDocumentsListsAndAnchors() throws {
        let text = """
            # a comment before the first
            ---
            apiVersion: v1
            kind: Namespace
            metadata: {name: load}
            ---
            ---
            apiVersion: v1
            kind: List
            items:
            - apiVersion: v1
              kind: ConfigMap
              metadata: &meta {name: a, namespace: load}
            - apiVersion: v1
              kind: ConfigMap
              metadata: {<<: *meta, name: b}
            """
        let manifests = try Manifest.parse(yaml: text, place: "x.yaml")
        #expect(manifests.map(\.kind) == ["Namespace", "ConfigMap", "ConfigMap"])
        #expect(manifests.map(\.name) == ["load", "a", "b"])
        #expect(manifests.map(\.namespace) == [nil, "load", "load"])
    }

    @Test func changesLabelsAndNamespace() throws {
        var manifest = Manifest(apiVersion: "v1", kind: "ConfigMap", name: "a", members: ["data": ["k": "v"]])
        manifest.labels["run"] = "7"
        manifest.namespace = "load"
        manifest["data"]?["more"] = "w"
        let expected: JSONValue = [
            "apiVersion": "v1", "kind": "ConfigMap", "data": ["k": "v", "more": "w"],
            "metadata": ["name": "a", "namespace": "load", "labels": ["run": "7"]],
        ]
        #expect(manifest.value == expected)
        #expect(try JSONValue(parsing: manifest.bytes) == expected)
        manifest.namespace = nil
        #expect(manifest.value["metadata"]?["namespace"] == nil)
    }

    @Test(arguments: [
        ("kind: Pod\nmetadata: {name: a}", "x.yaml, document 1, apiVersion", ManifestError.Code.missing),
        ("apiVersion: v1\nmetadata: {name: a}", "x.yaml, document 1, kind", .missing),
        ("apiVersion: v1\nkind: Pod", "x.yaml, document 1, metadata.name", .missing),
        ("a: 1\n---\n- 1", "x.yaml, document 1, apiVersion", .missing),
        ("- 1", "x.yaml, document 1", .invalidValue),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {on: 1}}", "x.yaml, document 1, metadata.labels",
            .invalidValue
        ),
        (
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {x: [.inf]}", "x.yaml, document 1, spec, x[0]",
            .invalidValue
        ),
        ("apiVersion: [", "x.yaml", .malformed),
        ("a: 1\na: 2", "x.yaml", .malformed),
    ])
    func saysWhereAManifestIsWrong(_ text: String, _ place: String, _ code: ManifestError.Code) {
        do {
            _ = try Manifest.parse(yaml: text, place: "x.yaml")
            Issue.record("taken for manifests: \(text)")
        } catch let error as ManifestError {
            #expect(error.place == place && error.code == code)
        } catch {
            Issue.record("\(error)")
        }
    }
}
