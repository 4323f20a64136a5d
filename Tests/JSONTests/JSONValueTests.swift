import Foundation
import JSON
import Testing

@Suite struct JSONValueTests {
    /// What is written, Foundation must read as the same value, and so must the reader.
    @Test func writesWhatFoundationReads() throws {
        let value: JSONValue = [
            "text": "a \"quoted\" \\ line\nnext\u{1}\u{1f}é中😀", "whole": -9_007_199_254_740_993, "flag": true,
            "none": .null, "list": [1, .number(2.5e-7), .array([]), .object([:])],
        ]
        let parsed = try JSONSerialization.jsonObject(with: Data(value.bytes))
        let expected: NSDictionary = [
            "text": "a \"quoted\" \\ line\nnext\u{1}\u{1f}é中😀", "whole": NSNumber(value: -9_007_199_254_740_993),
            "flag": true, "none": NSNull(), "list": [1, 2.5e-7, NSArray(), NSDictionary()] as NSArray,
        ]
        #expect((parsed as? NSDictionary)?.isEqual(expected) == true)
        #expect(try JSONValue(parsing: value.bytes) == value)
    }

    @Test func wholeNumbersHaveNoFraction() {
        #expect(JSONValue.number(1_500).bytes == Array("1500".utf8))
        #expect(JSONValue.number(-0.25).bytes == Array("-0.25".utf8))
        #expect(JSONValue.number(1e300).bytes == Array("1e+300".utf8))
    }

    @Test func equalValuesHaveEqualTexts() {
        let first: JSONValue = ["b": 1, "a": 2]
        var second: JSONValue = [:]
        second["a"] = 2
        second["b"] = 1
        #expect(first.bytes == second.bytes)
        #expect(first.bytes == Array(#"{"a":2,"b":1}"#.utf8))
    }

    @Test func membersAreSetAndRemoved() {
        var value: JSONValue = ["metadata": ["name": "a", "namespace": "n"]]
        value["metadata"]?["namespace"] = nil
        value["metadata"]?["labels"] = JSONValue(["x": "y"])
        #expect(value == ["metadata": ["name": "a", "labels": ["x": "y"]]])
        #expect(value["missing"] == nil && value["metadata"]?["name"]?["deeper"] == nil)
        #expect(value["metadata"]?["name"]?.string == "a" && value["metadata"]?.integer == nil)
    }
}
