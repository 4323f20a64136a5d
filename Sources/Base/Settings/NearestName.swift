/// Finds what a misspelt name was probably meant to be.
public enum NearestName {
    /// The candidate closest to `name`, or `nil` when none is close. Case, `_` and `-` do not count.
    public static func find(_ name: String, among candidates: [String]) -> String? {
        let wanted = folded(name)
        let distances = candidates.map { (name: $0, distance: distance(wanted, folded($0))) }
        guard let best = distances.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(1, wanted.count / 2) ? best.name : nil
    }

    /// "did you mean `x`? valid keys: …", for an error's hint.
    public static func hint(for name: String, among candidates: [String], what: String) -> String {
        guard !candidates.isEmpty else { return "there are no valid \(what) here" }
        let list = "valid \(what): \(candidates.sorted().joined(separator: ", "))"
        return find(name, among: candidates).map { "did you mean \($0)? \(list)" } ?? list
    }

    private static func folded(_ name: String) -> [Character] {
        name.lowercased().filter { $0 != "_" && $0 != "-" }
    }

    /// Edits (insertion, deletion, substitution) from one to the other (Wagner and Fischer, 1974).
    private static func distance(_ from: [Character], _ to: [Character]) -> Int {
        var row = Array(0...to.count)
        for (i, a) in from.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in to.enumerated() {
                let substituted = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
            }
        }
        return row[to.count]
    }
}
