/// The scores of the last rows, in the order in which they came and sorted.
struct RecentScores: Sendable, Equatable, Codable {
    let capacity: Int
    private var recent: [Double] = []
    private var oldest = 0
    private var sorted: [Double] = []

    private enum CodingKeys: String, CodingKey { case capacity, recent, oldest }

    init(capacity: Int) { self.capacity = capacity }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        capacity = try container.decode(Int.self, forKey: .capacity)
        recent = try container.decode([Double].self, forKey: .recent)
        oldest = try container.decode(Int.self, forKey: .oldest)
        sorted = recent.sorted()
        guard capacity > 0, recent.count <= capacity, recent.allSatisfy(\.isFinite),
            oldest >= 0, recent.count == capacity ? oldest < capacity : oldest == 0
        else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not the scores of \(capacity) rows"))
        }
    }

    var isEmpty: Bool { recent.isEmpty }

    /// Cost: O(capacity) moves of memory.
    mutating func add(_ score: Double) {
        if recent.count < capacity {
            recent.append(score)
        } else {
            sorted.remove(at: position(recent[oldest]))
            recent[oldest] = score
            oldest = (oldest + 1) % capacity
        }
        sorted.insert(score, at: position(score))
    }

    /// The score that at most this share of the scores lies above; `nil` before the first.
    func threshold(contamination: Double) -> Double? {
        guard !sorted.isEmpty else { return nil }
        return sorted[sorted.count - 1 - Int(contamination * Double(sorted.count))]
    }

    /// The first place whose score is not below `score`.
    private func position(_ score: Double) -> Int {
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle] < score { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
