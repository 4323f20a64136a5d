import Foundation
import Settings
import Testing

@Suite struct OverrideTests {
    @Test func overridesReplaceAndAdd() throws {
        let value = try Sample.decode(
            yaml: "gamma: 0.5\ncluster: {interval: 3}",
            overrides: [
                "gamma=0.25", "seed=9", "title=\"a: b\"", "weights=[1, 2]", "cluster.timeout=60", "labels.zone=b",
                "strategy=pack", "limit=3", "limit=null", "cluster.nodes=[{cpu: 2}, {}]", "cluster.nodes[1].cpu=7",
            ])
        #expect(value.gamma == 0.25)
        #expect(value.seed == 9)
        #expect(value.title == "a: b")
        #expect(value.weights == [1, 2])
        #expect(value.cluster.interval == 3)
        #expect(value.cluster.timeout == 60)
        #expect(value.labels == ["zone": "b"])
        #expect(value.strategy == .pack)
        #expect(value.limit == nil)
        #expect(value.cluster.nodes == [SampleNode(cpu: 2), SampleNode(cpu: 7)])
    }

    @Test func anElementOfADefaultListCanBeSet() throws {
        let nodes = try Sample.decode(yaml: "", overrides: ["cluster.nodes[1].memory=1"]).cluster.nodes
        #expect(nodes == [SampleNode(), SampleNode(cpu: 8, memory: 1)])
        #expect(try Sample.decode(yaml: "", overrides: ["weights[0]=4"]).weights == [4, 0.25])
    }

    @Test(arguments: [
        ("gamma=2", "--set gamma=2: gamma: must be from 0.0 to 1.0, found 2.0"),
        ("gama=0.2", "--set gama=0.2: gama: unknown key"),
        ("cluster.nodes[1].cpus=4", "--set cluster.nodes[1].cpus=4: cluster.nodes[1].cpus: unknown key"),
        (
            "cluster.nodes[2].cpu=4",
            "--set cluster.nodes[2].cpu=4: cluster.nodes: there is no [2]: the list has 2 elements"
        ),
        ("gamma[0]=4", "--set gamma[0]=4: gamma: is not a list, so it has no [0]"),
        ("gamma.x=4", "--set gamma.x=4: gamma: expected a number, found a mapping"),
        ("gamma", "--set gamma: there is no = in it"),
        ("=3", "--set =3: \"\" is not a key path"),
        ("a..b=3", "--set a..b=3: \"a..b\" is not a key path"),
        ("nodes[x].cpu=3", "--set nodes[x].cpu=3: \"nodes[x].cpu\" is not a key path"),
        ("gamma=", "--set gamma=: gamma: expected a number, found nothing"),
        ("gamma=[1", "--set gamma=[1: is not valid YAML: did not find expected ',' or ']'"),
    ])
    func aWrongOverrideIsNamed(override: String, message: String) {
        #expect(failure("gamma: 0.5", [override])?.message == message)
    }

    @Test func theFileIsBlamedForItsOwnMistakes() {
        #expect(failure("gamma: 3", ["seed=1"])?.message.hasPrefix("run.yaml:1: gamma") == true)
    }
}

@Suite struct WritingTests {
    @Test func whatIsWrittenReadsBackEqual() throws {
        var value = Sample()
        #expect(try Sample.decode(yaml: value.yaml()) == value)
        value.seed = .max
        value.gamma = 0.1 + 0.2
        value.gamma = value.gamma.nextUp
        value.rate = 1e-5
        value.limit = 3
        value.weights = [1e-300, Double.leastNonzeroMagnitude, 1e22, 123_456_789.123_456_78]
        value.strategy = .leastAllocated
        value.cluster.nodes = []
        value.pattern = .idle
        value.extra = SampleNode(cpu: 1)
        value.pools = ["a b": SampleNode(cpu: 2)]
        #expect(try Sample.decode(yaml: value.yaml()) == value)
    }

    @Test(arguments: [
        "yes", "null", "12", "1e5", "~", "a: b", "# c", " lead", "trail ", "two\nlines\n", "tab\there", "'q' \"d\"",
        "é→😀",
        "\\n", "- x", "2001-01-01", "0x1F", "[a]", "{", "*a", "&a", "!x", "%", "@", "`", "\u{0}\u{7f}\u{85}", "😀\n",
        String(repeating: "long words ", count: 40),
    ])
    func anyTextReadsBackEqual(text: String) throws {
        var value = Sample()
        value.title = text
        value.labels = [text: text]
        #expect(try Sample.decode(yaml: value.yaml()) == value)
    }

    @Test func everyDefaultIsWrittenOut() throws {
        let text = try Sample().yaml()
        for key in ["limit: null", "gamma: 0.99", "rate: 0.0003", "timeout: .inf", "kind: ramp", "cpu: 8"] {
            #expect(text.contains(key), "\(key) is missing from\n\(text)")
        }
    }

    @Test func theKeysOfADictionaryAreWrittenInOrder() throws {
        var value = Sample()
        let keys = (0..<20).map { "pool-\(UnicodeScalar(UInt8(97 + $0)))" }
        value.pools = Dictionary(uniqueKeysWithValues: keys.map { ($0, SampleNode(cpu: 1)) })
        let text = try value.yaml()
        let places = try keys.map { try #require(text.range(of: $0)?.lowerBound) }
        #expect(places == places.sorted())
    }

    @Test func numbersAreWrittenAsEveryYAMLReaderTakesThem() throws {
        var value = Sample()
        value.weights = [1e-5, 1e20, 2]
        #expect(try value.yaml().contains("weights: [1.0e-05, 1.0e+20, 2.0]"))
    }

    @Test func choicesAlsoGoThroughOtherCoders() throws {
        var value = Sample()
        value.cluster.timeout = 60  // JSON has no infinity.
        #expect(try JSONDecoder().decode(Sample.self, from: JSONEncoder().encode(value)) == value)
    }
}
