extension SettingsSlot {
    /// Decodes a value of any supported type, strictly.
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let configurable = type as? any Configurable.Type {
            return try cast(decodeConfigurable(configurable), to: type)
        }
        let decoder = SettingsDecoder(slot: self)
        do {
            let value = try Value(from: decoder)
            try refuseUnrequested(decoder.requested)
            return value
        } catch let failure as DecodingError {
            throw translate(failure, decoding: type)
        }
    }

    /// Decodes a `Configurable`, completing what is missing from its defaults.
    func decodeConfigurable<Value: Configurable>(
        _ type: Value.Type, standard replacement: SettingsNode? = nil, reserved: [String] = []
    ) throws -> Value {
        guard let entries = node.entries else { throw mismatch("a mapping of settings") }
        var slot = self
        if let replacement {
            slot.standard = replacement
        } else if standard?.entries == nil {
            slot.standard = try SettingsNode(encoding: type.init())
        }
        let valid = (slot.standard?.entries ?? []).map(\.key)
        for entry in entries where !valid.contains(entry.key) && !reserved.contains(entry.key) {
            throw slot.unknown(entry, valid: reserved + valid)
        }
        let decoder = SettingsDecoder(slot: slot, keysAllowingInfinity: type.keysAllowingInfinity)
        let value: Value
        do {
            value = try Value(from: decoder)
        } catch let failure as DecodingError {
            throw translate(failure, decoding: type)
        }
        do {
            try value.validate()
        } catch {
            throw slot.locate(error)
        }
        return value
    }

    /// Decodes one of a choice's kinds from a mapping with the key `kind`.
    func decodeChoice<Value: ConfigurableChoice>(_ type: Value.Type) throws -> Value {
        let kinds = type.choices.map(\.kind)
        guard node.entries != nil else { throw mismatch("a mapping with the key kind") }
        let standardKind = try standard.flatMap { $0.entries == nil ? nil : self.standardSlot($0) }?.child("kind")?
            .text()
        guard let kind = try child("kind")?.text() else {
            throw error(
                "the key kind is missing", hint: "valid kinds: \(kinds.joined(separator: ", "))", code: .missingKey)
        }
        guard let choice = type.choices.first(where: { $0.kind == kind }) else {
            throw child("kind")?.error(
                "there is no kind \"\(kind)\"", hint: NearestName.hint(for: kind, among: kinds, what: "kinds"))
                ?? error("there is no kind \"\(kind)\"")
        }
        // The enclosing default completes this one only if it is of the same kind.
        let inherited = kind == standardKind ? standard : nil
        return try choice.decode(self, inherited?.removing("kind"))
    }

    private func standardSlot(_ standard: SettingsNode) -> SettingsSlot {
        SettingsSlot(node: standard, standard: nil, path: path, source: source, file: file)
    }

    private func unknown(_ entry: SettingsNode.Entry, valid: [String]) -> SettingsError {
        let source = entry.source == .standard ? source : entry.source
        return Self.error(
            "unknown key", hint: NearestName.hint(for: entry.key, among: valid, what: "keys"),
            path: Self.join(path, entry.key), source: source, file: file, code: .unknownKey)
    }

    /// Types that are not `Configurable` say which keys they know by asking for them.
    private func refuseUnrequested(_ requested: RequestedKeys) throws {
        guard requested.isKeyed, !requested.all, let entries = node.entries else { return }
        for entry in entries where !requested.names.contains(entry.key) {
            throw unknown(entry, valid: requested.names.sorted())
        }
    }

    /// Completes an error that `validate()` threw with the place of the key it names.
    private func locate(_ error: SettingsError) -> SettingsError {
        var slot = self
        walk: for step in KeyPath.split(error.key) {
            switch step {
            case .name(let name):
                guard let child = slot.child(name) else { break walk }
                slot = child
            case .index(let index):
                guard let elements = slot.node.elements, elements.indices.contains(index) else { break walk }
                slot = slot.element(index, elements[index])
            }
        }
        return Self.error(
            error.problem, hint: error.hint, path: Self.join(path, error.key), source: slot.source, file: file,
            code: error.code)
    }

    private func translate(_ failure: DecodingError, decoding type: Any.Type) -> SettingsError {
        if let enumeration = type as? any CaseIterable.Type, case .scalar(let text, _) = node.content {
            let cases = rawValues(enumeration)
            return error(
                "there is no choice \"\(text)\"", hint: NearestName.hint(for: text, among: cases, what: "choices"))
        }
        switch failure {
        case .keyNotFound(let key, _):
            return Self.error(
                "the key is missing", hint: nil, path: Self.join(path, key.stringValue), source: source, file: file,
                code: .missingKey)
        case .typeMismatch(_, let context): return error(context.debugDescription, code: .wrongType)
        case .valueNotFound(_, let context): return error(context.debugDescription, code: .missingKey)
        case .dataCorrupted(let context): return error(context.debugDescription)
        @unknown default:
            return error("\(failure)")
        }
    }
}

/// The raw values of an enum's cases as they are written in a file; empty for another kind of type.
private func rawValues<Choice: CaseIterable>(_ type: Choice.Type) -> [String] {
    type.allCases.compactMap { ($0 as? any RawRepresentable).map { "\($0.rawValue)" } }
}

private func cast<Value>(_ value: Any, to type: Value.Type) throws -> Value {
    guard let value = value as? Value else { throw SettingsError(key: "", problem: "is not a \(type)") }
    return value
}

extension SettingsNode {
    func removing(_ key: String) -> SettingsNode {
        guard let entries else { return self }
        return SettingsNode(.mapping(entries.filter { $0.key != key }), source: source)
    }
}
