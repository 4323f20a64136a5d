import Foundation
import JSON
import Testing

/// A value read through `JSONReader`, built up to be compared with Foundation's.
private func readTree(_ reader: JSONReader) throws -> NSObject {
    if reader.isNull { return NSNull() }
    if let text = try? reader.readString() { return NSString(string: text) }
    if let flag = try? reader.readBool() { return NSNumber(value: flag) }
    if let number = try? reader.readDouble() { return NSNumber(value: number) }
    if (try? reader.readArray { _ in }) != nil {
        var items: [NSObject] = []
        try reader.readArray { items.append(try readTree($0)) }
        return NSArray(array: items)
    }
    var members: [String: NSObject] = [:]
    try reader.readObject { reader, key in members[key] = try readTree(reader) }
    return NSDictionary(dictionary: members)
}

@Suite struct JSONReaderTests {
    @Test(arguments: [
        #"{"a":[1,-2.5e3,true,false,null,"x"],"b":{"c":{}},"d":[]}"#,
        #" [ "\u00e9\u4e2d\ud83d\ude00", "\"\\\/\b\f\n\r\t", "a long string without any escapes at all, €" ] "#,
        #"{"k":"0123456789012345678901234567\\","":0,"é":[[[[]]]]}"#, "0", "-0.0", "1E+2", #""""#,
    ])
    func agreesWithFoundation(_ text: String) throws {
        let expected = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
        let tree = try JSONReader.reading(Array(text.utf8)) { try readTree($0) }
        #expect(tree.isEqual(expected))
    }

    @Test func aValueMayBeReadTwiceAndLater() throws {
        let text = #"{"late":[1,2],"name":"a"}"#
        try JSONReader.reading(Array(text.utf8)) { reader in
            var (late, names): (JSONReader?, [String]) = (nil, [])
            for _ in 0..<2 {
                try reader.readObject { reader, key in
                    if key == "late" { late = reader } else { names.append(try reader.readString()) }
                }
            }
            #expect(names == ["a", "a"])
            var numbers: [Int64] = []
            try #require(late).readArray { numbers.append(try $0.readInteger()) }
            #expect(numbers == [1, 2])
        }
    }

    @Test func numbersComeInParts() throws {
        let numbers = (0..<5_000).map { (number: Int) -> Double in number % 7 == 3 ? .nan : Double(number) / 8 - 100 }
        let texts = numbers.map { (number: Double) -> String in number.isNaN ? "null" : "\(number)" }
        let text = "[" + texts.joined(separator: ", ") + "]"
        var (read, parts) = ([Double](), [Int]())
        try JSONReader.reading(Array(text.utf8)) { reader in
            #expect(!reader.beginsWithArray)
            try reader.readNumbers {
                read.append(contentsOf: $0)
                parts.append($0.count)
            }
        }
        // NaN equals nothing.
        #expect(read.map { $0.isNaN ? -1e9 : $0 } == numbers.map { $0.isNaN ? -1e9 : $0 })
        #expect(parts == [1_024, 1_024, 1_024, 1_024, 904])
    }

    @Test(arguments: [
        ("[]", "", 0), ("[1, 2.5, 18446744073709551615]", "", 3),
        ("[1, null, \"x\", 2]", "expected a number, found a string", 2),
        ("[[1]]", "expected a number, found an array", 0), ("{}", "expected an array, found an object", 0),
    ])
    func whatIsNoNumberIsNamed(_ text: String, _ problem: String, _ before: Int) throws {
        var (count, message) = (0, "")
        try JSONReader.reading(Array(text.utf8)) { reader in
            #expect(reader.beginsWithArray == text.hasPrefix("[["))
            do { try reader.readNumbers { count += $0.count } } catch let error as JSONError { message = error.message }
        }
        #expect(message == problem && count == before)
    }

    @Test func anErrorSaysOfWhichKindItIs() throws {
        func code(_ text: String, _ body: (JSONReader) throws -> Void) throws -> JSONError.Code {
            try #require(throws: JSONError.self) { try JSONReader.reading(Array(text.utf8), body) }.code
        }
        #expect(try code("[1") { _ in } == .malformed)
        #expect(try code("[1]") { _ = try $0.readString() } == .wrongType)
        #expect(try code("[1]") { throw $0.error("an even number was expected") } == .invalidValue)
    }

    @Test func agreesWithFoundationOnRecordedObjects() throws {
        for name in ["list-pods.json", "list-nodes-limit-2.json"] {
            let bytes = try fixture(name)
            let expected = try JSONSerialization.jsonObject(with: Data(bytes))
            #expect(try JSONReader.reading(bytes) { try readTree($0) }.isEqual(expected))
        }
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}",
        "{\"a\":1 \"b\":2}",
        "[1 2]", "01", "+1", "1.", ".5", "1e", "--1", "tru", "nul", "truex", "\"", "\"\\", "\"\\x\"", "\"\\u12\"",
        "\"\\u12g4\"", "\"a\nb\"", "\"a\u{01}\"", "1 2", "[] []", "NaN", "'a'", "{\"a\":1}}", "\u{FEFF}1",
    ])
    func refusesBrokenText(_ text: String) {
        #expect(throws: JSONError.self) { try JSONReader.reading(Array(text.utf8)) { _ in } }
        #expect(throws: JSONError.self) { try JSONReader.reading(Array(text.utf8)) { _ = try readTree($0) } }
    }

    /// Every prefix of a recorded object is an error, and every single-byte change is an error or a value: never a
    /// crash.
    @Test func survivesDamage() throws {
        let line = try #require(fixture("watch-pods.jsonl").split(separator: UInt8(ascii: "\n")).first).map { $0 }
        for length in stride(from: 0, to: line.count, by: 7) {
            #expect(throws: JSONError.self) { try JSONReader.reading(Array(line[..<length])) { _ in } }
        }
        var accepted = 0
        for index in stride(from: 0, to: line.count, by: 3) {
            var damaged = line
            damaged[index] ^= 0x15
            if (try? JSONReader.reading(damaged) { _ in }) != nil { accepted += 1 }
        }
        #expect(accepted > 0 && accepted < line.count / 3)
    }

    @Test func refusesDeepNesting() throws {
        let depth = JSONReader.maximumDepth
        let fits = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        try JSONReader.reading(Array(fits.utf8)) { _ in }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: JSONError.self) {
            try JSONReader.reading(deep) { _ in }
        }
        let objects = Array(String(repeating: "{\"a\":", count: 100_000).utf8)
        #expect(throws: JSONError.self) { try JSONReader.reading(objects) { _ in } }
    }

    @Test func refusesInvalidUTF8AndHalvesOfSurrogatePairs() throws {
        let invalid: [UInt8] = [0x22, 0xC3, 0x28, 0x22]
        #expect(throws: JSONError.self) { try JSONReader.reading(invalid) { try $0.readString() } }
        for half in [#""\ud83dx""#, #""\ud83d\u0041""#] {
            #expect(throws: JSONError.self) { try JSONReader.reading(Array(half.utf8)) { try $0.readString() } }
        }
    }

    @Test func integersAreExact() throws {
        #expect(try JSONReader.reading(Array("9223372036854775807".utf8)) { try $0.readInteger() } == Int64.max)
        for text in ["1.0", "1e3", "9223372036854775808"] {
            #expect(throws: JSONError.self) { try JSONReader.reading(Array(text.utf8)) { try $0.readInteger() } }
        }
    }
}

/// Recorded answers of an API server, kept with the tests of the client.
private func fixture(_ name: String) throws -> [UInt8] {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return Array(try Data(contentsOf: tests.appendingPathComponent("KubernetesTests/Fixtures/\(name)")))
}
