/// A value given beside the file: `key.path=value`.
struct SettingsOverride {
    let text: String
    let path: String
    let steps: [KeyPath.Step]
    let value: SettingsNode

    init(_ text: String) throws(SettingsError) {
        func malformed(_ problem: String) -> SettingsError {
            SettingsError(
                key: "", problem: problem, hint: "write it as key.path=value or list[0].key=value", override: text,
                code: .malformed)
        }
        guard let equals = text.firstIndex(of: "=") else { throw malformed("there is no = in it") }
        path = String(text[..<equals])
        guard let steps = KeyPath.parse(path) else { throw malformed("\"\(path)\" is not a key path") }
        let written = String(text[text.index(after: equals)...])
        if written.allSatisfy(\.isWhitespace) {
            value = SettingsNode(.scalar("", quoted: false), source: .override(text))
        } else {
            value = try SettingsNode(yaml: written, file: nil, override: text)
        }
        self.text = text
        self.steps = steps
    }

    /// Puts the value into `root`, making the mappings on its way.
    /// - Parameter resolve: gives the document with its defaults written out, for a list that only the defaults have.
    func apply(
        to root: inout SettingsNode, resolve: (SettingsNode) throws(SettingsError) -> SettingsNode
    ) throws(SettingsError) {
        let original = root
        var resolved: SettingsNode?
        try set(&root, steps[...], at: "") { path throws(SettingsError) in
            if resolved == nil { resolved = try resolve(original) }
            return resolved?.descendant(path)?.elements
        }
    }

    private func set(
        _ node: inout SettingsNode, _ steps: ArraySlice<KeyPath.Step>, at path: String,
        standardList: (String) throws(SettingsError) -> [SettingsNode]?
    ) throws(SettingsError) {
        guard let step = steps.first else {
            node = value
            return
        }
        switch step {
        case .name(let name):
            // A scalar in the way is replaced by a mapping; the decoder checks whether one belongs there.
            if node.entries == nil { node = SettingsNode(.mapping([]), source: .override(text)) }
            var entries = node.entries ?? []
            let here = SettingsSlot.join(path, name)
            if let index = entries.firstIndex(where: { $0.key == name }) {
                try set(&entries[index].value, steps.dropFirst(), at: here, standardList: standardList)
            } else {
                var child = SettingsNode(.mapping([]), source: .override(text))
                try set(&child, steps.dropFirst(), at: here, standardList: standardList)
                entries.append(.init(key: name, source: .override(text), value: child))
            }
            node.content = .mapping(entries)
        case .index(let index):
            var listed = node.elements
            if listed == nil { listed = try standardList(path) }
            guard var elements = listed else {
                throw SettingsError(
                    key: path, problem: "is not a list, so it has no [\(index)]", override: text, code: .unknownKey)
            }
            guard elements.indices.contains(index) else {
                throw SettingsError(
                    key: path, problem: "there is no [\(index)]: the list has \(elements.count) elements",
                    hint: elements.isEmpty ? nil : "indices run from 0 to \(elements.count - 1)", override: text,
                    code: .unknownKey)
            }
            try set(&elements[index], steps.dropFirst(), at: "\(path)[\(index)]", standardList: standardList)
            node.content = .list(elements)
        }
    }
}

extension SettingsNode {
    /// The value at `path`, or `nil`.
    func descendant(_ path: String) -> SettingsNode? {
        var node = self
        for step in KeyPath.split(path) {
            switch step {
            case .name(let name):
                guard let child = node[name] else { return nil }
                node = child
            case .index(let index):
                guard let elements = node.elements, elements.indices.contains(index) else { return nil }
                node = elements[index]
            }
        }
        return node
    }
}
