extension JSONReader {
    // MARK: Strings

    /// Reads a string.
    /// - Throws: `JSONError` for anything else, for control characters, bad escapes and invalid UTF-8.
    public mutating func readString() throws -> String {
        try take(UInt8(ascii: "\""), "a string")
        let start = position
        skipPlainCharacters()
        guard position < base.count else { throw error("the string that starts here has no end", at: start - 1) }
        if base[position] == UInt8(ascii: "\"") {
            let end = position
            position += 1
            guard let text = String(validating: base[start..<end], as: UTF8.self) else {
                throw error("the string that starts here is not valid UTF-8", at: start - 1)
            }
            return text
        }
        return try readEscapedString(from: start)
    }

    /// The rest of a string whose first escape (or control character) is at `position`.
    private mutating func readEscapedString(from start: Int) throws -> String {
        var decoded = [UInt8](base[start..<position])
        while true {
            guard position < base.count else { throw error("the string that starts here has no end", at: start - 1) }
            let byte = base[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let text = String(validating: decoded, as: UTF8.self) else {
                    throw error("the string that starts here is not valid UTF-8", at: start - 1)
                }
                return text
            case UInt8(ascii: "\\"):
                position += 1
                decoded.append(contentsOf: try readEscape())
            case 0..<0x20: throw error("a control character in a string must be escaped")
            default:
                decoded.append(byte)
                position += 1
            }
        }
    }

    /// The UTF-8 of the escape whose backslash was just consumed. A surrogate without its other half becomes U+FFFD,
    /// as in Go's decoder.
    private mutating func readEscape() throws -> [UInt8] {
        guard position < base.count else { throw error("the text ends inside an escape") }
        let byte = base[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var scalar = UInt32(try readHexUnit())
            if (0xD800..<0xDC00).contains(scalar), position + 1 < base.count, base[position] == UInt8(ascii: "\\"),
                base[position + 1] == UInt8(ascii: "u")
            {
                let resume = position
                position += 2
                let low = UInt32(try readHexUnit())
                if (0xDC00..<0xE000).contains(low) {
                    scalar = 0x10000 + ((scalar - 0xD800) << 10) + (low - 0xDC00)
                } else {
                    position = resume
                }
            }
            let character = Unicode.Scalar(scalar) ?? "\u{FFFD}"
            return Array(String(Character(character)).utf8)
        default: throw error("unknown escape in a string", at: position - 2)
        }
    }

    private mutating func readHexUnit() throws -> UInt16 {
        guard position + 4 <= base.count else { throw error("the text ends inside an escape") }
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(base[position])).hexDigitValue else {
                throw error("expected four hexadecimal digits after \\u")
            }
            value = value << 4 | UInt16(digit)
            position += 1
        }
        return value
    }

    /// Moves to the next quote, backslash or control character, eight bytes at a time.
    private mutating func skipPlainCharacters() {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        while position + 8 <= base.count {
            let word = base.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            // A byte of x is zero exactly where (x - ones) & ~x & highs has its first high bit.
            let quotes = word ^ (ones &* 0x22)
            let slashes = word ^ (ones &* 0x5C)
            let found =
                ((quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes | (word &- ones &* 0x20) & ~word) & highs
            if found != 0 {
                position += UInt64(littleEndian: found).trailingZeroBitCount / 8
                return
            }
            position += 8
        }
        while position < base.count {
            let byte = base[position]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 { return }
            position += 1
        }
    }

    private mutating func skipString() throws {
        let start = position
        position += 1
        while true {
            skipPlainCharacters()
            guard position < base.count else { throw error("the string that starts here has no end", at: start) }
            switch base[position] {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"):
                position += 1
                _ = try readEscape()
            default: throw error("a control character in a string must be escaped")
            }
        }
    }

    // MARK: Skipping

    /// Consumes one value of any kind.
    /// - Throws: `JSONError` where its grammar is broken.
    public mutating func skipValue() throws {
        switch try peek() {
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "{"): try skipObject()
        case UInt8(ascii: "["): try readArray { try $0.skipValue() }
        case UInt8(ascii: "t"): try takeLiteral("true")
        case UInt8(ascii: "f"): try takeLiteral("false")
        case UInt8(ascii: "n"): try takeLiteral("null")
        default: _ = try beginNumber()
        }
    }

    private mutating func skipObject() throws {
        try open(UInt8(ascii: "{"), "an object")
        if try peek() == UInt8(ascii: "}") {
            close()
            return
        }
        while true {
            guard try peek() == UInt8(ascii: "\"") else { throw error("expected a key") }
            try skipString()
            try take(UInt8(ascii: ":"), "':' after a key")
            try skipValue()
            switch try peek() {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"):
                close()
                return
            default: throw error("expected ',' or '}' in an object")
            }
        }
    }

    // MARK: Tokens

    /// Consumes a number by JSON's grammar; returns where it starts.
    mutating func beginNumber() throws -> Int {
        _ = try peek()
        let start = position
        if base[position] == UInt8(ascii: "-") { position += 1 }
        let digits = position
        guard skipDigits() else { throw error("expected a value", at: start) }
        if base[digits] == UInt8(ascii: "0"), position > digits + 1 {
            throw error("a number may not start with 0", at: start)
        }
        if position < base.count, base[position] == UInt8(ascii: ".") {
            position += 1
            guard skipDigits() else { throw error("expected digits after the decimal point") }
        }
        if position < base.count, base[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < base.count, base[position] == UInt8(ascii: "+") || base[position] == UInt8(ascii: "-") {
                position += 1
            }
            guard skipDigits() else { throw error("expected digits in the exponent") }
        }
        return start
    }

    private mutating func skipDigits() -> Bool {
        let start = position
        while position < base.count, base[position] &- UInt8(ascii: "0") < 10 { position += 1 }
        return position > start
    }

    /// The next byte that is not white space, which stays unread.
    mutating func peek() throws -> UInt8 {
        while position < base.count {
            let byte = base[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
            position += 1
        }
        throw error("the text ends too early")
    }

    mutating func take(_ byte: UInt8, _ expected: @autoclosure () -> String) throws {
        guard try peek() == byte else { throw error("expected \(expected())") }
        position += 1
    }

    mutating func open(_ bracket: UInt8, _ expected: @autoclosure () -> String) throws {
        try take(bracket, expected())
        depth += 1
        guard depth <= Self.maximumDepth else { throw error("nested deeper than \(Self.maximumDepth) levels") }
    }

    mutating func close() {
        position += 1
        depth -= 1
    }

    mutating func takeLiteral(_ literal: StaticString) throws {
        let end = position + literal.utf8CodeUnitCount
        guard end <= base.count,
            base[position..<end].elementsEqual(
                UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
        else { throw error("expected a value") }
        position = end
    }

    mutating func expectEnd() throws {
        while position < base.count {
            let byte = base[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else {
                throw error("unexpected text after the value")
            }
            position += 1
        }
    }
}
