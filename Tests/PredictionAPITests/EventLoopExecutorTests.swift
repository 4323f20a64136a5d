import NIOPosix
import PredictionAPI
import Testing

@Suite struct EventLoopExecutorTests {
    /// A server's tasks run on event loops, those that they start too; what they do elsewhere does not.
    @Test func tasksRunOnEventLoopsButForWhatTakesLong() async throws {
        await withTaskExecutorPreference(EventLoopExecutor.shared) {
            #expect(isOnEventLoop)
            await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        await Task.yield()
                        return isOnEventLoop
                    }
                }
                for await isThere in group { #expect(isThere) }
            }
            await withTaskExecutorPreference(globalConcurrentExecutor) { #expect(!isOnEventLoop) }
            #expect(isOnEventLoop)
        }
    }

    private var isOnEventLoop: Bool { MultiThreadedEventLoopGroup.currentEventLoop != nil }
}
