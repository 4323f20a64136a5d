import NeuralNetworks

/// The components of an action: where the logits of each are among those of all, and which was taken. An action that is
/// no vector has one.
struct ActionComponents: Sequence, IteratorProtocol {
    /// A component.
    struct Component {
        /// The logits of its values.
        var begin: Int
        var end: Int
        /// The one that was taken.
        var taken: Int
    }

    private let parts: [Int]
    private var index = 0
    private var begin: Int
    private let end: Int
    private var rest: Int

    /// The components of an action of observation `index`.
    init(_ output: ActorCriticOutput, _ index: Int, action: Int) {
        parts = output.parts
        (begin, end) = (output.offsets[index], output.offsets[index + 1])
        rest = action
    }

    mutating func next() -> Component? {
        guard begin < end else { return nil }
        guard !parts.isEmpty else {
            defer { begin = end }
            return Component(begin: begin, end: end, taken: begin + rest)
        }
        let width = parts[index]
        defer {
            index += 1
            begin += width
            rest /= width
        }
        return Component(begin: begin, end: begin + width, taken: begin + rest % width)
    }
}

extension ActorCriticOutput {
    /// Puts an action of observation `index` together from its components: what `choose` takes from the logits of each.
    /// - Returns: `nil` when there are no logits, or `choose` takes none.
    func action(_ index: Int, choose: (Span<Float>) -> Int?) -> Int? {
        guard choices(index) > 0 else { return nil }
        var (action, factor) = (0, 1)
        for component in ActionComponents(self, index, action: 0) {
            guard let taken = choose(logits.span.extracting(component.begin..<component.end)) else { return nil }
            action += factor * taken
            factor *= component.end - component.begin
        }
        return action
    }
}
