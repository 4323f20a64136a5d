import Drift
import Foundation
import Randomness
import Testing

@Suite struct DriftReferenceTests {
    private func refusal(_ rows: [Float], _ names: [String], bins: Int = 10) -> String {
        message { try DriftReference(rows: rows.span, names: names, bins: bins) }
    }

    @Test func refusesWhatIsNoTrainingData() {
        #expect(refusal([], ["cpu"]).contains("at least 2 rows of training data, found 0"))
        #expect(refusal([1], ["cpu"]).contains("found 1"))
        #expect(refusal([1, 2, 3], ["cpu", "memory"]).contains("3 values are not whole rows of 2 features"))
        #expect(refusal([1, 2], []).contains("at least one feature's name"))
        #expect(refusal([1, 2], ["cpu", "cpu"]).contains("two features named \"cpu\""))
        #expect(refusal([1, 2, 3, -.infinity], ["cpu", "memory"]).contains("row 1, feature memory is -inf"))
        #expect(refusal([1, 2], ["cpu"], bins: 1).contains("from 2 to 50"))
        #expect(refusal([1, 2], ["cpu"], bins: 51).contains("from 2 to 50"))
        #expect(refusal([1, 1], ["cpu"]) == "" && refusal([.nan, .nan], ["cpu"]) == "")
        let greatest = Float.greatestFiniteMagnitude
        #expect(refusal([-greatest, -greatest, greatest, greatest], ["cpu"]) == "")
    }

    @Test func storedAndReadItIsTheSame() throws {
        var generator = RandomGenerator(seed: 2)
        let rows = (0..<3_000).map { $0 % 7 == 0 ? Float.nan : Float(generator.normal()) }
        let reference = try DriftReference(rows: rows.span, names: ["cpu", "memory", "errors"])
        let data = try JSONEncoder().encode(reference)
        #expect(try JSONDecoder().decode(DriftReference.self, from: data) == reference)
    }

    @Test(arguments: [
        (#""rows":8"#, #""rows":9"#), (#""edges":["#, #""edges":[99,"#), (#""counts":["#, #""counts":[-1,"#),
        (#""names":["cpu"]"#, #""names":["cpu","memory"]"#), (#""names":["cpu"]"#, #""names":[]"#),
    ])
    func refusesDamagedStores(_ part: String, _ replacement: String) throws {
        let rows: [Float] = [1, 2, 3, 4, 5, 6, 7, 8]
        let reference = try DriftReference(rows: rows.span, names: ["cpu"], bins: 3)
        let text = String(decoding: try JSONEncoder().encode(reference), as: UTF8.self)
        #expect(text.contains(part))
        let damaged = Data(text.replacing(part, with: replacement).utf8)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(DriftReference.self, from: damaged) }
    }
}
