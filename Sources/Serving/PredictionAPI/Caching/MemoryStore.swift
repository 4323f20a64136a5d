import Dispatch
import Synchronization

/// Answers in memory, in two generations: when the young one is half of all that may be kept, it becomes the old one, whose
/// answers go unless they are asked for again. Everything costs O(1), and nothing has to be sorted by age.
final class MemoryStore: Sendable {
    private struct Entry {
        var value: [Double]
        var expiry: ContinuousClock.Instant
    }

    private struct Generations {
        var young: [CacheKey: Entry] = [:]
        var old: [CacheKey: Entry] = [:]

        /// - Returns: what is dropped, for `free`.
        mutating func insert(_ entry: Entry, for key: CacheKey, capacity: Int) -> [CacheKey: Entry] {
            var dropped: [CacheKey: Entry] = [:]
            if young.count >= max(1, capacity / 2) {
                dropped = old
                old = young
                young = [:]
            }
            young[key] = entry
            return dropped
        }
    }

    private let generations = Mutex(Generations())
    private let capacity: Int

    /// An empty store.
    /// - Parameter capacity: most answers.
    init(capacity: Int) { self.capacity = capacity }

    /// The answer that was kept, unless it is too old.
    func value(for key: CacheKey) -> [Double]? {
        let now = ContinuousClock.now
        var dropped: [CacheKey: Entry] = [:]
        defer { Self.free(dropped) }
        return generations.withLock { generations in
            if let entry = generations.young[key] {
                if entry.expiry > now { return entry.value }
                generations.young[key] = nil
            } else if let entry = generations.old.removeValue(forKey: key), entry.expiry > now {
                dropped = generations.insert(entry, for: key, capacity: capacity)
                return entry.value
            }
            return nil
        }
    }

    /// Keeps an answer for so many seconds.
    func keep(_ value: [Double], for key: CacheKey, seconds: Double) {
        let entry = Entry(value: value, expiry: ContinuousClock.now + .seconds(seconds))
        let dropped = generations.withLock { $0.insert(entry, for: key, capacity: capacity) }
        Self.free(dropped)
    }

    /// Freeing many answers takes a while: neither in the lock, nor where requests are answered.
    private static func free(_ dropped: [CacheKey: Entry]) {
        guard dropped.count > 1000 else { return }
        DispatchQueue.global(qos: .utility).async { withExtendedLifetime(dropped) {} }
    }
}
