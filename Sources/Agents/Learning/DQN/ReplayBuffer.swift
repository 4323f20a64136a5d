import Foundation
import Randomness

/// The newest transitions of a run, to draw minibatches from (Lin, 1992).
///
/// They lie in a ring of equal segments. A new transition goes into the newest segment; when that is full, the oldest
/// is emptied and takes its place. So flat and ragged observations are stored alike, in memory that is used again.
package struct ReplayBuffer<Observations: ObservationBatch>: Sendable {
    /// Transitions drawn for an update.
    package struct Minibatch: Sendable {
        package var experiences: Experiences<Observations>
        /// Where each was drawn.
        package var slots: [Int] = []
        /// Weight of each in the loss, in (0, 1].
        package var weights: [Float] = []

        package init(experiences: Experiences<Observations>) { self.experiences = experiences }
    }

    /// Transitions of a full segment.
    package let segmentLength: Int
    /// The ring: transition `position` of segment s has the slot s * segmentLength + position.
    package private(set) var segments: [Experiences<Observations>]
    /// The segment that new transitions go into.
    package private(set) var newest = 0
    /// Transitions that are remembered.
    package private(set) var count = 0
    /// Priority^α of each slot, 0 where there is none; `nil` for uniform replay.
    package private(set) var priorities: SumTree?
    /// The largest of all priorities^α so far: that of a new transition, which has no error yet.
    package private(set) var largestPriority = 1.0

    /// An empty buffer.
    /// - Parameter capacity: most transitions that are remembered.
    package init(capacity: Int, isPrioritized: Bool, like observations: Observations) {
        segmentLength = max(1, capacity / 100)
        let segmentCount = max(1, capacity / segmentLength)
        segments = Array(repeating: Experiences(like: observations), count: segmentCount)
        if isPrioritized { priorities = SumTree(count: segmentCount * segmentLength) }
    }

    /// Remembers all of `experiences`, in their order.
    package mutating func append(allOf experiences: Experiences<Observations>) {
        for index in 0..<experiences.count { append(index, of: experiences) }
    }

    private mutating func append(_ index: Int, of experiences: Experiences<Observations>) {
        if segments[newest].count == segmentLength {
            newest = (newest + 1) % segments.count
            count -= segments[newest].count
            for slot in newest * segmentLength..<(newest + 1) * segmentLength where !segments[newest].actions.isEmpty {
                priorities?[slot] = 0
            }
            segments[newest].removeAll()
        }
        priorities?[newest * segmentLength + segments[newest].count] = largestPriority
        segments[newest].append(index, of: experiences)
        count += 1
    }

    /// Draws `size` transitions with replacement: uniformly, or by priority, one from each of `size` equal shares of
    /// the sum of priorities.
    /// - Parameter beta: exponent of the weights; without priorities all weights are 1.
    /// - Precondition: the buffer is not empty.
    package mutating func draw(
        _ size: Int, beta: Double, using generator: inout RandomGenerator, into minibatch: inout Minibatch
    ) {
        precondition(count > 0, "nothing to draw from")
        minibatch.experiences.removeAll()
        minibatch.slots.removeAll(keepingCapacity: true)
        minibatch.weights.removeAll(keepingCapacity: true)
        let full = count / segmentLength
        let oldest = newest - (segments[newest].count == segmentLength ? full - 1 : full)
        var largest = 0.0
        var weights: [Double] = []
        for index in 0..<size {
            let slot: Int
            if let priorities {
                let share = priorities.total / Double(size)
                slot = priorities.leaf(at: (Double(index) + generator.uniform()) * share)
                let probability = priorities[slot] / priorities.total
                weights.append(pow(Double(count) * probability, -beta))
                largest = max(largest, weights[index])
            } else {
                let age = generator.index(below: count)
                let segment = (oldest + age / segmentLength + segments.count) % segments.count
                slot = segment * segmentLength + age % segmentLength
            }
            minibatch.slots.append(slot)
        }
        for slot in minibatch.slots {
            Self.copy(slot % segmentLength, of: &segments[slot / segmentLength], to: &minibatch.experiences)
        }
        if priorities == nil {
            minibatch.weights.append(contentsOf: repeatElement(1, count: size))
        } else {
            minibatch.weights.append(contentsOf: weights.map { Float($0 / largest) })
        }
    }

    /// Takes the segment as `inout` only to have it lent in place: as a value each of its arrays would be retained.
    private static func copy(
        _ index: Int, of segment: inout Experiences<Observations>, to experiences: inout Experiences<Observations>
    ) {
        experiences.append(index, of: segment)
    }

    /// Gives drawn transitions their new priorities.
    /// - Parameters:
    ///   - errors: of their action values.
    ///   - settings: α and ε.
    package mutating func setPriorities(_ errors: [Float], of slots: [Int], _ settings: PrioritizedReplaySettings) {
        for (slot, error) in zip(slots, errors) {
            let priority = pow(Double(abs(error)) + settings.epsilon, settings.alpha)
            priorities?[slot] = priority
            largestPriority = max(largestPriority, priority)
        }
    }

    /// Puts back the contents of a buffer of the same capacity.
    /// - Parameters:
    ///   - experiences: those of all segments, one segment after the other.
    ///   - counts: of each segment.
    ///   - priorities: of each of the experiences; empty for uniform replay.
    /// - Returns: false, and changes nothing, when these do not fit together or to this buffer.
    package mutating func restore(
        _ experiences: Experiences<Observations>, counts: [Int], newest: Int, priorities stored: [Double],
        largestPriority: Double
    ) -> Bool {
        guard counts.count == segments.count, segments.indices.contains(newest),
            counts.allSatisfy({ (0...segmentLength).contains($0) }), counts.reduce(0, +) == experiences.count,
            // Only the newest segment may be filled in part.
            segments.indices.allSatisfy({ $0 == newest || counts[$0] == 0 || counts[$0] == segmentLength }),
            stored.count == (priorities == nil ? 0 : experiences.count), stored.allSatisfy({ $0 >= 0 && $0.isFinite })
        else { return false }
        var first = 0
        for segment in segments.indices {
            for slot in 0..<segmentLength { priorities?[segment * segmentLength + slot] = 0 }
            segments[segment].removeAll()
            for index in first..<first + counts[segment] {
                if !stored.isEmpty {
                    priorities?[segment * segmentLength + segments[segment].count] = stored[index]
                }
                segments[segment].append(index, of: experiences)
            }
            first += counts[segment]
        }
        (self.newest, count, self.largestPriority) = (newest, experiences.count, largestPriority)
        return true
    }
}
