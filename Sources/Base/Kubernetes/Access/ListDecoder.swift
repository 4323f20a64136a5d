import HTTP
import JSON

/// Decodes a list of objects while it arrives, one item at a time, so that no more than an item's text is ever held:
/// a list of 50,000 pods in one piece is some 250 MB.
///
/// The text is cut by its brackets alone; each item, and what is left of the list without its items, is then parsed
/// and checked as a whole.
struct ListDecoder<Object: APIObject>: ~Copyable {
    /// The items so far.
    private(set) var items: [Object] = []
    /// The list's text with a 0 in place of each item.
    private var outline: [UInt8] = []
    /// The present item's text as far as it came in earlier pieces.
    private var item: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// Where in `outline` the last string at depth 1 starts and ends, without its quotes.
    private var lastString = 0..<0
    private var isInItems = false
    private var hasItem = false
    private static var maximumBytes: Int { APIClient.maximumLineBytes }

    /// Takes in the next bytes.
    /// - Throws: `JSONError` for an item that is no object or is malformed, and what the object's reading throws.
    mutating func append(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try append($0) }
    }

    private mutating func append(_ bytes: UnsafeRawBufferPointer) throws {
        var start = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                    if depth == 1 {
                        let end = outline.count + index - start
                        lastString = lastString.lowerBound..<max(end, lastString.lowerBound)
                    }
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""):
                isInString = true
                if depth == 1 {
                    let first = outline.count + index - start + 1
                    lastString = first..<first
                }
                if isInItems, depth == 2 { throw JSONError("an item of the list is not an object", code: .wrongType) }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if isInItems, depth == 2 {
                    guard byte == UInt8(ascii: "{") else {
                        throw JSONError("an item of the list is not an object", code: .wrongType)
                    }
                    try keep(bytes[start..<index])
                    start = index
                    hasItem = true
                } else if depth == 1, byte == UInt8(ascii: "[") {
                    try keep(bytes[start..<index])
                    start = index
                    isInItems = outline[lastString].elementsEqual("items".utf8)
                }
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if hasItem, depth == 2 {
                    try finishItem(bytes[start...index])
                    start = index + 1
                } else if depth == 1 {
                    isInItems = false
                } else if depth < 0 {
                    throw JSONError("a bracket closes that was not opened", code: .malformed)
                }
            default: break
            }
        }
        if hasItem {
            item += bytes[start...]
            guard item.count <= Self.maximumBytes else {
                throw JSONError("an item of the list exceeds \(Self.maximumBytes) bytes", code: .tooLarge)
            }
        } else {
            try keep(bytes[start...])
        }
    }

    private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) throws {
        outline += bytes
        guard outline.count <= Self.maximumBytes else {
            throw JSONError("the list without its items exceeds \(Self.maximumBytes) bytes", code: .tooLarge)
        }
    }

    private mutating func finishItem(_ bytes: Slice<UnsafeRawBufferPointer>) throws {
        hasItem = false
        outline.append(UInt8(ascii: "0"))
        if item.isEmpty {
            items.append(
                try JSONReader.reading(buffer: UnsafeRawBufferPointer(rebasing: bytes)) { try Object(reading: $0) })
        } else {
            item += bytes
            items.append(try JSONReader.reading(item) { try Object(reading: $0) })
            item.removeAll(keepingCapacity: true)
        }
    }

    /// The list after its last byte.
    /// - Throws: `JSONError` where the text is malformed or ends too early, `ObjectError` for a list without a version.
    consuming func finish() throws -> ObjectList<Object> {
        var resourceVersion: String?
        var continuation: String?
        var count = 0
        try JSONReader.reading(outline) { reader in
            try reader.readObject { reader, key in
                switch key {
                case "metadata":
                    try reader.readObject { reader, key in
                        switch key {
                        case "resourceVersion": resourceVersion = try reader.readString()
                        case "continue": continuation = try reader.readStringIfPresent()
                        default: break
                        }
                    }
                case "items": try reader.readArrayIfPresent { _ in count += 1 }
                default: break
                }
            }
        }
        guard count == items.count else { throw JSONError("an item of the list is not an object", code: .wrongType) }
        guard let resourceVersion, !resourceVersion.isEmpty else {
            throw ObjectError(object: "\(Object.kind)List", message: "metadata.resourceVersion is missing")
        }
        return ObjectList(items: items, resourceVersion: resourceVersion, continuation: continuation)
    }
}
