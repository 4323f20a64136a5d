import Settings

/// PromQL with placeholders such as {service}.
enum QueryTemplate {
    /// The placeholders that `text` holds. PromQL's own braces hold matchers, or a regular expression's numbers, never
    /// a bare word.
    static func placeholders(in text: String) -> [String] {
        text.matches(of: /\{([A-Za-z_][A-Za-z0-9_]*)\}/).map { String($0.1) }
    }

    /// `text` with each placeholder replaced by its value.
    static func fill(_ text: String, _ values: [String: String]) -> String {
        text.replacing(/\{([A-Za-z_][A-Za-z0-9_]*)\}/) { values[String($0.1)] ?? String($0.0) }
    }

    /// Refuses placeholders that are not among `known`, and the lack of one of `required`.
    static func check(
        _ key: String, _ text: String, known: [String], required: [String]
    ) throws(SettingsError) {
        let found = placeholders(in: text)
        if let unknown = found.first(where: { !known.contains($0) }) {
            throw SettingsError(
                key: key, problem: "has an unknown placeholder {\(unknown)}",
                hint: NearestName.hint(for: unknown, among: known, what: "placeholders"))
        }
        for name in required where !found.contains(name) {
            throw SettingsError(key: key, problem: "must contain {\(name)}, found '\(text)'")
        }
    }
}
