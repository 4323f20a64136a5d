import Foundation
import Synchronization

/// A fixed number of threads that share out numbered tasks.
///
/// The threads are the pool's own: long tasks on Swift's cooperative threads would hold up everything else. A thread
/// that is done with a task takes the next one, so that tasks of uneven length keep none waiting; nothing may depend on
/// which thread runs a task.
final class WorkerPool: Sendable {
    /// Number of threads, the caller's included.
    let threads: Int
    private let crews: [Crew]

    /// - Parameter threads: the caller's thread is one of them; 1 starts none.
    init(threads: Int) {
        self.threads = max(1, threads)
        crews = (1..<self.threads).map { _ in Crew() }
        for (index, crew) in crews.enumerated() {
            let thread = Thread { crew.work() }
            thread.name = "berth worker \(index + 1)"
            thread.stackSize = 8 << 20
            thread.start()
        }
    }

    deinit {
        for crew in crews { crew.stop() }
    }

    /// Runs `task` for 0 ..< `count` and returns when all are done.
    ///
    /// Tasks run at the same time: each may touch only what is its own. One caller at a time.
    func run(_ count: Int, _ task: @escaping @Sendable (Int) -> Void) {
        let helpers = crews.prefix(max(0, min(count, threads) - 1))
        guard !helpers.isEmpty else {
            for index in 0..<count { task(index) }
            return
        }
        let counter = TaskCounter(count)
        for crew in helpers {
            crew.begin {
                while let index = counter.next() { task(index) }
            }
        }
        while let index = counter.next() { task(index) }
        for crew in helpers { crew.waitUntilDone() }
    }
}

/// Hands out 0 ..< `count` to whichever thread asks.
private final class TaskCounter: Sendable {
    private let count: Int
    private let taken = Atomic<Int>(0)

    init(_ count: Int) { self.count = count }

    func next() -> Int? {
        let index = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        return index < count ? index : nil
    }
}

/// A value that one thread at a time works on.
///
/// Sendable because of how it is used: the thread of a task of `WorkerPool.run` alone touches the box of its index, and
/// the thread that called `run` touches it only between runs.
final class Owned<Value: Sendable>: @unchecked Sendable {
    var value: Value

    init(_ value: Value) { self.value = value }
}

/// One thread waiting for jobs.
///
/// Sendable because every access to `job` and `isStopped` holds the condition's lock.
private final class Crew: @unchecked Sendable {
    private let condition = NSCondition()
    private var job: (@Sendable () -> Void)?
    private var isStopped = false

    func work() {
        while true {
            condition.lock()
            while job == nil && !isStopped { condition.wait() }
            let next = job
            condition.unlock()
            guard let next else { return }
            next()
            condition.lock()
            job = nil
            condition.broadcast()
            condition.unlock()
        }
    }

    func begin(_ next: @escaping @Sendable () -> Void) {
        condition.lock()
        job = next
        condition.broadcast()
        condition.unlock()
    }

    func waitUntilDone() {
        condition.lock()
        while job != nil { condition.wait() }
        condition.unlock()
    }

    func stop() {
        condition.lock()
        isStopped = true
        condition.broadcast()
        condition.unlock()
    }
}
