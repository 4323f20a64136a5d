import Foundation

extension Configurable {
    /// Reads a configuration file.
    /// - Parameters:
    ///   - path: the YAML file.
    ///   - overrides: `key.path=value` each, applied in order; the value is YAML, a list element is `nodes[0].cpu=4`.
    /// - Throws: `SettingsError` for a file that cannot be read, is not YAML, or does not fit this type.
    public static func load(from path: String, overrides: [String] = []) throws(SettingsError) -> Self {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            let reason = FileManager.default.fileExists(atPath: path) ? "cannot be read" : "there is no such file"
            throw SettingsError(key: "", problem: reason, file: path, code: .unreadable)
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw SettingsError(key: "", problem: "is not UTF-8 text", file: path, code: .malformed)
        }
        return try decode(yaml: text, file: path, overrides: overrides)
    }

    /// Reads a configuration from YAML text; an empty text gives the defaults.
    /// - Parameters:
    ///   - yaml: the text.
    ///   - file: the name that errors give to it.
    ///   - overrides: as in `load(from:overrides:)`.
    public static func decode(
        yaml: String, file: String? = nil, overrides: [String] = []
    ) throws(SettingsError) -> Self {
        var root = try SettingsNode(yaml: yaml, file: file)
        for text in overrides {
            let override = try SettingsOverride(text)
            try override.apply(to: &root) { root throws(SettingsError) in
                try SettingsNode(encoding: decode(root: root, file: file))
            }
        }
        return try decode(root: root, file: file)
    }

    /// This configuration as YAML text, every default written out, which decodes to an equal value.
    public func yaml() throws(SettingsError) -> String {
        try SettingsNode(encoding: self).yaml()
    }

    private static func decode(root: SettingsNode, file: String?) throws(SettingsError) -> Self {
        let slot = SettingsSlot(node: root, standard: nil, path: "", source: root.source, file: file)
        do {
            return try slot.decode(Self.self)
        } catch let error as SettingsError {
            throw error
        } catch {
            throw slot.error("\(error)")
        }
    }
}
