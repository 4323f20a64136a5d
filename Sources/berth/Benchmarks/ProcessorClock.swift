import Glibc

/// Processor time of the calling thread: what a core's speed is measured by on a machine that does other work too.
enum ProcessorClock {
    /// Seconds that this thread has run so far.
    static var seconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
    }
}
