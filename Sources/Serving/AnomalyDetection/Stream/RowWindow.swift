/// The last rows of a stream. Stored as the bits of its values, for JSON cannot hold NaN.
struct RowWindow: Sendable, Codable {
    let width: Int
    let capacity: Int
    /// Rows one after the other; once full, the next row takes the place of `oldest`.
    private(set) var values: [Float] = []
    private var oldest = 0

    private enum CodingKeys: String, CodingKey { case width, capacity, bits, oldest }

    init(width: Int, capacity: Int) {
        (self.width, self.capacity) = (width, capacity)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        width = try container.decode(Int.self, forKey: .width)
        capacity = try container.decode(Int.self, forKey: .capacity)
        values = try container.decode([UInt32].self, forKey: .bits).map(Float.init(bitPattern:))
        oldest = try container.decode(Int.self, forKey: .oldest)
        guard (1...1_000_000).contains(width), (1...1_000_000).contains(capacity), values.count % width == 0,
            count <= capacity, oldest >= 0, count == capacity ? oldest < capacity : oldest == 0,
            !values.contains(where: \.isInfinite)
        else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not a window of \(capacity) rows"))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(width, forKey: .width)
        try container.encode(capacity, forKey: .capacity)
        try container.encode(values.map(\.bitPattern), forKey: .bits)
        try container.encode(oldest, forKey: .oldest)
    }

    var count: Int { values.count / width }

    mutating func add(_ row: Span<Float>) {
        if count < capacity {
            for index in row.indices { values.append(row[index]) }
        } else {
            for index in row.indices { values[oldest * width + index] = row[index] }
            oldest = (oldest + 1) % capacity
        }
    }
}
