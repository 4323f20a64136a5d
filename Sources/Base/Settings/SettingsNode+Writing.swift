internal import Yams

extension SettingsNode {
    /// This document as YAML text.
    func yaml() throws(SettingsError) -> String {
        do {
            return try Yams.serialize(node: yamsNode(), width: -1, allowUnicode: true, sortKeys: false)
        } catch {
            throw SettingsError(key: "", problem: "cannot be written as YAML: \(error)")
        }
    }

    private func yamsNode() -> Yams.Node {
        switch content {
        case .scalar(let text, quoted: false):
            return Yams.Node(text, .implicit, .plain)
        case .scalar(let text, quoted: true):
            let style: Yams.Node.Scalar.Style =
                ScalarText.isSafePlain(text)
                ? .plain : text.allSatisfy { $0.isASCII && !$0.isNewline && $0 >= " " } ? .singleQuoted : .doubleQuoted
            return Yams.Node(text, Tag(.str), style)
        case .list(let elements):
            let scalars = elements.allSatisfy { if case .scalar = $0.content { true } else { false } }
            return Yams.Node(elements.map { $0.yamsNode() }, .implicit, scalars ? .flow : .block)
        case .mapping(let entries):
            let pairs = entries.map { entry in
                (SettingsNode(.scalar(entry.key, quoted: true)).yamsNode(), entry.value.yamsNode())
            }
            return Yams.Node(pairs, .implicit, entries.isEmpty ? .flow : .block)
        }
    }
}
