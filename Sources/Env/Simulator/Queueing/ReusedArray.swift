/// A list that is filled again and again: emptying it leaves its memory as it is, where for an `Array` that costs
/// as much as filling in a few elements.
struct ReusedArray<Element> {
    /// The elements, and behind them what is left of earlier ones.
    private(set) var storage: [Element] = []
    private(set) var count = 0

    var indices: Range<Int> { 0..<count }

    subscript(index: Int) -> Element {
        get { storage[index] }
        set { storage[index] = newValue }
    }

    mutating func removeAll() { count = 0 }

    @inline(__always)
    mutating func append(_ element: Element) {
        if count < storage.count { storage[count] = element } else { storage.append(element) }
        count += 1
    }

    mutating func append(contentsOf other: ReusedArray) {
        for index in other.indices { append(other.storage[index]) }
    }
}

extension ReusedArray: Sendable where Element: Sendable {}
