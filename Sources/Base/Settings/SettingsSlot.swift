/// A place in the document that a value is decoded from.
struct SettingsSlot {
    /// What is there: what was given or, when nothing was, the default.
    var node: SettingsNode
    /// The default in the enclosing value's default; `nil` when there is none, as in an array.
    var standard: SettingsNode?
    /// Path of the key from the root.
    var path: String
    /// The nearest enclosing place that was given, for errors.
    var source: SettingsNode.Source
    var file: String?
    var allowsInfinity = false

    func error(_ problem: String, hint: String? = nil, code: SettingsError.Code = .invalidValue) -> SettingsError {
        Self.error(problem, hint: hint, path: path, source: source, file: file, code: code)
    }

    static func error(
        _ problem: String, hint: String?, path: String, source: SettingsNode.Source, file: String?,
        code: SettingsError.Code
    ) -> SettingsError {
        var error = SettingsError(key: path, problem: problem, hint: hint, file: file, code: code)
        switch source {
        case .line(let line): error.line = line
        case .override(let text): error.override = text
        case .standard: break
        }
        return error
    }

    func mismatch(_ expected: String) -> SettingsError {
        var hint: String?
        if expected == "text", case .scalar(let text, quoted: false) = node.content, !node.isNull {
            hint = "write it in quotes: \"\(text)\""
        }
        return error("expected \(expected), found \(node.summary)", hint: hint, code: .wrongType)
    }

    static func join(_ path: String, _ key: String) -> String {
        path.isEmpty ? key : key.isEmpty ? path : key.hasPrefix("[") ? path + key : "\(path).\(key)"
    }

    /// The slot under `key`: what was given there, else the default; `nil` when there is neither.
    func child(_ key: String, allowsInfinity: Bool = false) -> SettingsSlot? {
        let standard = standard?[key]
        guard let given = node[key] ?? standard else { return nil }
        let source = given.source == .standard ? source : given.source
        return SettingsSlot(
            node: given, standard: standard, path: Self.join(path, key), source: source, file: file,
            allowsInfinity: allowsInfinity)
    }

    /// The slot of a list's element, which has no default of its own.
    func element(_ index: Int, _ element: SettingsNode) -> SettingsSlot {
        let source = element.source == .standard ? source : element.source
        return SettingsSlot(
            node: element, standard: nil, path: "\(path)[\(index)]", source: source, file: file,
            allowsInfinity: allowsInfinity)
    }
}

// MARK: - Scalars

extension SettingsSlot {
    func text() throws -> String {
        guard case .scalar(let text, let quoted) = node.content else { throw mismatch("text") }
        if quoted { return text }
        if node.isNull || ScalarText.truth(text) != nil || ScalarText.isNumber(text) { throw mismatch("text") }
        return text
    }

    func truth() throws -> Bool {
        guard case .scalar(let text, quoted: false) = node.content, let value = ScalarText.truth(text) else {
            throw mismatch("true or false")
        }
        return value
    }

    func integer<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        guard case .scalar(let text, quoted: false) = node.content, ScalarText.isInteger(text) else {
            throw mismatch("a whole number")
        }
        guard let value: Value = ScalarText.integer(text) else {
            throw error("expected a whole number from \(Value.min) to \(Value.max), found \(text)")
        }
        return value
    }

    func floating<Value: BinaryFloatingPoint & LosslessStringConvertible>(_ type: Value.Type) throws -> Value {
        guard case .scalar(let text, quoted: false) = node.content, let value: Value = ScalarText.floating(text) else {
            throw mismatch("a number")
        }
        guard value.isFinite || (value.isInfinite && allowsInfinity) else {
            throw error("expected a finite number, found \(text)")
        }
        return value
    }
}
