import NIOCore
import NIOPosix

/// Runs a task on the event loop that wakes it, or on any of them where something else does: a request is answered by the
/// thread that has read it, without two changes of thread, which on a busy machine each wait for their turn.
package final class EventLoopExecutor: TaskExecutor {
    /// That of the process's shared event loops.
    package static let shared = EventLoopExecutor()

    private let group = MultiThreadedEventLoopGroup.singleton

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        group.any().execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
