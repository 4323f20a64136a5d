import Foundation
import Settings
import Testing

@Suite struct DecodingTests {
    @Test func anEmptyDocumentGivesTheDefaults() throws {
        #expect(try Sample.decode(yaml: "") == Sample())
        #expect(try Sample.decode(yaml: "# only a comment\n") == Sample())
        #expect(try Sample.decode(yaml: "{}") == Sample())
    }

    @Test func everyKindOfMemberIsRead() throws {
        let value = try Sample.decode(
            yaml: """
                seed: 18446744073709551615
                gamma: 1e-3
                rate: 2.5e-4
                verbose: true
                title: "12"
                strategy: least-allocated
                limit: 100_000
                weights: [1, 0.5, 3e-4]
                labels: {a: b, "true": "1"}
                extra: {cpu: 0x10}
                pools: {small: {cpu: 2}, default: {}}
                """)
        #expect(value.seed == .max)
        #expect(value.gamma == 0.001)
        #expect(value.rate == 2.5e-4)
        #expect(value.verbose)
        #expect(value.title == "12")
        #expect(value.strategy == .leastAllocated)
        #expect(value.limit == 100_000)
        #expect(value.weights == [1, 0.5, 3e-4])
        #expect(value.labels == ["a": "b", "true": "1"])
        #expect(value.extra == SampleNode(cpu: 16))
        #expect(value.pools == ["small": SampleNode(cpu: 2), "default": SampleNode()])
    }

    @Test func aMissingKeyOfANestedValueTakesTheEnclosingDefault() throws {
        // Sample's own default says 5 where SampleCluster's says 20.
        #expect(try Sample.decode(yaml: "cluster: {timeout: 60}").cluster.interval == 5)
        #expect(try Sample.decode(yaml: "cluster: {}").cluster == Sample().cluster)
    }

    @Test func elementsOfAListAreCompletedFromTheirOwnType() throws {
        let nodes = try Sample.decode(yaml: "cluster:\n  nodes:\n  - memory: 2\n  - {cpu: 3}\n  - {}").cluster.nodes
        #expect(nodes == [SampleNode(cpu: 4, memory: 2), SampleNode(cpu: 3), SampleNode()])
        #expect(try Sample.decode(yaml: "cluster: {nodes: []}").cluster.nodes.isEmpty)
    }

    @Test func nullEndsAnOptionalAndNothingElse() throws {
        #expect(try Sample.decode(yaml: "limit: null").limit == nil)
        #expect(failure("gamma: null")?.message == "run.yaml:1: gamma: expected a number, found nothing")
        #expect(failure("seed:\ncluster:")?.message == "run.yaml:1: seed: expected a whole number, found nothing")
        #expect(failure("cluster:")?.problem == "expected a mapping of settings, found nothing")
    }

    @Test(arguments: [
        ("gamma: [", SettingsError.Code.malformed), ("gamma: 1\ngamma: 2", .malformed), ("gama: 1", .unknownKey),
        ("seed: none", .wrongType), ("weights: 3", .wrongType),
        ("strategy: best", .invalidValue),
    ])
    func anErrorSaysOfWhichKindItIs(_ yaml: String, _ code: SettingsError.Code) {
        #expect(failure(yaml)?.code == code)
    }

    @Test func errorsOfFilesAndOverridesSayOfWhichKindTheyAre() {
        #expect(settingsError { _ = try Sample.load(from: "/no/such/file.yaml") }?.code == .unreadable)
        #expect(failure("", ["gamma"])?.code == .malformed)
        #expect(failure("weights: [1]", ["weights[3]=1"])?.code == .unknownKey)
    }

    @Test func choicesReadTheirKind() throws {
        #expect(try Sample.decode(yaml: "pattern: {kind: spike}").pattern == .spike(.init()))
        #expect(try Sample.decode(yaml: "pattern: {kind: spike, height: 9}").pattern == .spike(.init(height: 9)))
        #expect(try Sample.decode(yaml: "pattern: {kind: idle}").pattern == .idle)
        // The same kind as the default's is completed from it, with or without naming it.
        #expect(try Sample.decode(yaml: "pattern: {kind: ramp, to: 30}").pattern == .ramp(.init(from: 10, to: 30)))
        #expect(try Sample.decode(yaml: "pattern: {to: 30}").pattern == .ramp(.init(from: 10, to: 30)))
    }

    @Test func anchorsAreFollowed() throws {
        let nodes = try Sample.decode(yaml: "cluster: {nodes: [&big {cpu: 64}, *big]}").cluster.nodes
        #expect(nodes == [SampleNode(cpu: 64), SampleNode(cpu: 64)])
    }
}

@Suite struct ErrorTests {
    @Test func anUnknownKeyNamesPlaceNearestAndValidKeys() {
        let error = failure("seed: 1\ncluster:\n  nodes:\n  - cpu: 1\n  - cpus: 2\n")
        #expect(error?.message == "run.yaml:5: cluster.nodes[1].cpus: unknown key")
        #expect(error?.hint == "did you mean cpu? valid keys: cpu, memory")
        #expect(error?.description.hasSuffix("unknown key (did you mean cpu? valid keys: cpu, memory)") == true)
        #expect(failure("learning: 1")?.hint?.contains("limit") == true)
        #expect(failure("Verbose: true")?.hint?.hasPrefix("did you mean verbose?") == true)
        #expect(failure("zzzzzz: true")?.hint?.hasPrefix("valid keys: cluster, extra, gamma") == true)
        #expect(failure("pattern: {kind: spike, hight: 2}")?.hint == "did you mean height? valid keys: height, kind")
        #expect(failure("pattern: {kind: spike, from: 2}")?.key == "pattern.from")
    }

    @Test(arguments: [
        ("verbose: 1", "verbose: expected true or false, found the number 1"),
        ("verbose: yes", "verbose: expected true or false, found the text \"yes\""),
        ("verbose: \"true\"", "verbose: expected true or false, found the text \"true\""),
        ("seed: 1.5", "seed: expected a whole number, found the number 1.5"),
        ("seed: \"1\"", "seed: expected a whole number, found the text \"1\""),
        ("seed: -1", "seed: expected a whole number from 0 to 18446744073709551615, found -1"),
        ("cluster: {nodes: [{cpu: 99999999999999999999}]}", "cluster.nodes[0].cpu: expected a whole number from"),
        ("gamma: [1]", "gamma: expected a number, found a list"),
        ("gamma: {a: 1}", "gamma: expected a number, found a mapping"),
        ("gamma: four", "gamma: expected a number, found the text \"four\""),
        ("title: 12", "title: expected text, found the number 12"),
        ("title: true", "title: expected text, found the truth value true"),
        ("weights: 3", "weights: expected a list, found the number 3"),
        ("weights: [1, x]", "weights[1]: expected a number, found the text \"x\""),
        ("labels: {a: 1}", "labels.a: expected text, found the number 1"),
        ("cluster: [1]", "cluster: expected a mapping of settings, found a list"),
        ("strategy: sprad", "strategy: there is no choice \"sprad\""),
        ("pattern: {kind: spikes}", "pattern.kind: there is no kind \"spikes\""),
        ("pattern: ramp", "pattern: expected a mapping with the key kind, found the text \"ramp\""),
        ("pools: {a: {cpu: x}}", "pools.a.cpu: expected a whole number, found the text \"x\""),
        ("extra: {cpus: 1}", "extra.cpus: unknown key"),
        ("- 1", "expected a mapping of settings, found a list"),
    ])
    func aWrongTypeIsNamed(yaml: String, message: String) {
        let found = failure(yaml)?.message ?? "no error"
        #expect(found.hasPrefix("run.yaml:1: \(message)"), "\(found)")
    }

    @Test func hintsListTheChoices() {
        #expect(failure("strategy: sprad")?.hint == "did you mean spread? valid choices: least-allocated, pack, spread")
        #expect(failure("pattern: {kind: spikes}")?.hint == "did you mean spike? valid kinds: idle, ramp, spike")
        #expect(failure("title: 12")?.hint == "write it in quotes: \"12\"")
    }

    @Test(arguments: [
        ("gamma: 1.5", "gamma: must be from 0.0 to 1.0, found 1.5"),
        ("limit: 0", "limit: must be 1 or more, found 0"),
        ("weights: [1, -2]", "weights[1]: must be 0.0 or more, found -2.0"),
        ("rate: 0", "rate: must be greater than 0.0, found 0.0"),
        ("title: \"\"", "title: must not be empty"),
        ("cluster: {nodes: [{}, {cpu: 0}]}", "cluster.nodes[1].cpu: must be from 1 to 256, found 0"),
        ("cluster: {interval: 3, timeout: 2}", "cluster.interval: must not exceed timeout"),
        ("pattern: {kind: spike, height: 1}", "pattern.height: must be greater than 1.0, found 1.0"),
    ])
    func aValueOutOfRangeIsNamed(yaml: String, message: String) {
        #expect(failure(yaml)?.message == "run.yaml:1: \(message)")
    }

    @Test func theLineIsTheValuesOwn() {
        #expect(failure("seed: 1\n\ngamma: 2\n")?.line == 3)
        #expect(failure("cluster:\n  timeout: 9\n  interval: 10\n")?.line == 3)
        // `interval` comes from the default, so the mapping it is missing from is to blame.
        #expect(failure("seed: 1\ncluster:\n  timeout: 4\n")?.line == 3)
    }

    @Test func numbersMustBeFiniteUnlessAllowed() throws {
        #expect(failure("gamma: .nan")?.problem == "expected a finite number, found .nan")
        #expect(failure("gamma: .inf")?.problem == "expected a finite number, found .inf")
        #expect(failure("gamma: inf")?.problem == "expected a number, found the text \"inf\"")
        #expect(failure("gamma: 1e999")?.problem == "expected a finite number, found 1e999")
        #expect(failure("weights: [.inf]")?.key == "weights[0]")
        #expect(failure("cluster: {timeout: .nan}")?.key == "cluster.timeout")
        #expect(try Sample.decode(yaml: "cluster: {timeout: .inf}").cluster.timeout == .infinity)
    }

    @Test func duplicateKeysAreRefused() {
        let error = failure("seed: 1\ncluster:\n  nodes: []\n  interval: 3\n  interval: 4\n")
        #expect(error?.problem == "the key interval appears more than once in one mapping")
        #expect(error?.line == 4)
    }

    @Test func brokenDocumentsAreRefused() throws {
        #expect(failure("a: [1\n")?.message.hasPrefix("run.yaml:2: is not valid YAML: did not find") == true)
        #expect(failure("seed: 1\n\tgamma: 2")?.line == 2)
        #expect(failure("seed: *unknown")?.problem == "is not valid YAML: found undefined alias")
        #expect(failure("seed: 1\n---\nseed: 2")?.problem.hasPrefix("is not valid YAML") == true)
        #expect(failure("? [a]\n: 1")?.problem == "a key must be plain text")
        let missing = settingsError { _ = try Sample.load(from: "/nonexistent/run.yaml") }
        #expect(missing?.message == "/nonexistent/run.yaml: there is no such file")
        let folder = settingsError { _ = try Sample.load(from: "/") }
        #expect(folder?.message == "/: cannot be read")
    }

    @Test func typesThatAreNotConfigurableNeedEveryKeyAndRefuseOthers() throws {
        struct Point: Codable, Equatable {
            var x: Double
            var y: Double
        }
        struct Holder: Configurable, Equatable {
            var points: [Point] = []
        }
        #expect(try Holder.decode(yaml: "points: [{x: 1, y: 2}]").points == [Point(x: 1, y: 2)])
        let missing = settingsError { _ = try Holder.decode(yaml: "points: [{x: 1}]") }
        #expect(missing?.message == "line 1: points[0].y: the key is missing" && missing?.code == .missingKey)
        let unknown = settingsError { _ = try Holder.decode(yaml: "points: [{x: 1, y: 2, z: 3}]") }
        #expect(unknown?.message == "line 1: points[0].z: unknown key")
    }

    @Test func randomTextNeverCrashes() {
        var state: UInt64 = 1
        let alphabet = Array("seed:gamma clusternodes[]{},-\n \t\"'&*#|>%?!1.e_0x")
        var refused = 0
        for _ in 0..<3_000 {
            var text = ""
            for _ in 0..<30 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            if failure(text) != nil { refused += 1 }
        }
        #expect(refused > 2_900)
    }
}
