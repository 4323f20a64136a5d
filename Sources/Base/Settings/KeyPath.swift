/// Paths such as `environment.nodes[1].cpu`.
enum KeyPath {
    enum Step: Equatable {
        case name(String)
        case index(Int)
    }

    /// The steps of a path; a part that is not well formed is taken as a name.
    static func split(_ path: String) -> [Step] {
        parse(path) ?? [.name(path)]
    }

    /// The steps of a path; `nil` unless it is names joined by `.`, each followed by any number of `[index]`.
    static func parse(_ path: String) -> [Step]? {
        var steps: [Step] = []
        for part in path.split(separator: ".", omittingEmptySubsequences: false) {
            guard let match = part.wholeMatch(of: /([^\[\]=]+)((\[[0-9]+\])*)/) else { return nil }
            steps.append(.name(String(match.1)))
            for number in match.2.split(whereSeparator: { $0 == "[" || $0 == "]" }) {
                guard let index = Int(number) else { return nil }
                steps.append(.index(index))
            }
        }
        return steps
    }
}
