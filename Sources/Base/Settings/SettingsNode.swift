internal import Yams

/// One value of a configuration document, with where it came from.
struct SettingsNode: Sendable {
    enum Content: Sendable {
        /// Text as written; `quoted` text is never a number, a truth value or null.
        case scalar(String, quoted: Bool)
        case list([SettingsNode])
        case mapping([Entry])
    }

    struct Entry: Sendable {
        var key: String
        var source: Source
        var value: SettingsNode
    }

    enum Source: Sendable, Equatable {
        case line(Int)
        case override(String)
        /// A default: the place to blame is the nearest enclosing value that was given.
        case standard
    }

    var content: Content
    var source: Source

    init(_ content: Content, source: Source = .standard) {
        self.content = content
        self.source = source
    }

    static let null = SettingsNode(.scalar("null", quoted: false))

    var isNull: Bool {
        if case .scalar(let text, quoted: false) = content { return ["", "~", "null", "Null", "NULL"].contains(text) }
        return false
    }

    var entries: [Entry]? {
        if case .mapping(let entries) = content { return entries }
        return nil
    }

    var elements: [SettingsNode]? {
        if case .list(let elements) = content { return elements }
        return nil
    }

    subscript(key: String) -> SettingsNode? {
        entries?.first { $0.key == key }?.value
    }

    /// What this is, for an error message.
    var summary: String {
        switch content {
        case .list: return "a list"
        case .mapping: return "a mapping"
        case .scalar(let text, let quoted):
            if isNull { return "nothing" }
            if quoted { return "the text \"\(text)\"" }
            if ScalarText.truth(text) != nil { return "the truth value \(text)" }
            if ScalarText.isNumber(text) { return "the number \(text)" }
            return "the text \"\(text)\""
        }
    }
}

extension SettingsNode {
    /// Parses one YAML document; an empty one is an empty mapping.
    init(yaml: String, file: String?, override: String? = nil) throws(SettingsError) {
        func failure(_ problem: String, line: Int? = nil) -> SettingsError {
            SettingsError(
                key: "", problem: problem, file: file, line: override == nil ? line : nil, override: override,
                code: .malformed)
        }
        let root: Yams.Node?
        do {
            root = try Yams.compose(yaml: yaml)
        } catch YamlError.scanner(_, let problem, let mark, _), YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _)
        {
            throw failure("is not valid YAML: \(problem)", line: mark.line)
        } catch YamlError.duplicatedKeysInMapping(let duplicates, let context) {
            let names = duplicates.joined(separator: ", ")
            throw failure("the key \(names) appears more than once in one mapping", line: context.mark.line)
        } catch {
            throw failure("is not valid YAML")
        }
        guard let root else {
            self.init(.mapping([]), source: override.map { .override($0) } ?? .line(1))
            return
        }
        do throws(UnusableKey) {
            try self.init(root, override: override)
        } catch {
            throw failure("a key must be plain text", line: error.line)
        }
    }

    private struct UnusableKey: Error {
        let line: Int?
    }

    private init(_ node: Yams.Node, override: String?) throws(UnusableKey) {
        func source(_ node: Yams.Node) -> Source {
            override.map { .override($0) } ?? .line(node.mark?.line ?? 1)
        }
        switch node {
        case .scalar(let scalar):
            let plain = scalar.style == .plain || scalar.style == .any
            self.init(.scalar(scalar.string, quoted: !plain), source: source(node))
        case .sequence(let sequence):
            var elements: [SettingsNode] = []
            for element in sequence { elements.append(try SettingsNode(element, override: override)) }
            self.init(.list(elements), source: source(node))
        case .mapping(let mapping):
            var entries: [Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else { throw UnusableKey(line: key.mark?.line) }
                let value = try SettingsNode(value, override: override)
                entries.append(Entry(key: name.string, source: source(key), value: value))
            }
            self.init(.mapping(entries), source: source(node))
        case .alias:
            // The parser replaces aliases by what they stand for.
            throw UnusableKey(line: node.mark?.line)
        }
    }
}
