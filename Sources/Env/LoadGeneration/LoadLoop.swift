import CCurl
import CLinux
import Foundation
import Randomness
import Synchronization

/// Sends a generator's requests and receives the answers.
///
/// libcurl waits in whole milliseconds, so the waiting is done here: its sockets are watched by epoll, and a timer with
/// nanoseconds wakes the loop for the next request that is due and for libcurl's own time-outs. Between any two events the
/// loop looks whether a request is due.
final class LoadLoop: @unchecked Sendable {
    // Invariant behind @unchecked Sendable: made by one thread and handed to the thread that calls `run`, which from then
    // on is the only one to touch it. `state` may be shared.
    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private let state: LoadState
    private let settings: LoadSettings
    private var schedule: ArrivalSchedule
    private var targetGenerator: RandomGenerator
    /// Nanoseconds since the start.
    private var nextDue: Int64?
    /// When libcurl wants to be called, in nanoseconds since the start.
    private var timeoutDue: Int64?

    private let multi: UnsafeMutableRawPointer
    private let poll: Int32
    private let timer: Int32
    /// One handle per slot of the ledger, kept for later requests.
    private var handles: [UnsafeMutableRawPointer] = []
    private var headers: UnsafeMutablePointer<curl_slist>?

    init(_ settings: LoadSettings, schedule: ArrivalSchedule, state: LoadState) throws(LoadError) {
        try Self.checkFileLimit(settings.maximumOutstanding)
        guard Self.isLibraryReady, let multi = curl_multi_init() else {
            throw LoadError(message: "libcurl cannot be initialised")
        }
        self.multi = multi
        (self.settings, self.schedule, self.state) = (settings, schedule, state)
        targetGenerator = RandomGenerator(seed: settings.seed, stream: 3)
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        timer = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_NONBLOCK | TFD_CLOEXEC))
        for (name, value) in settings.headers.sorted(by: { $0.key < $1.key }) {
            headers = curl_slist_append(headers, "\(name): \(value)")
        }
        guard poll >= 0, timer >= 0, watch(timer, EPOLLIN.rawValue), watch(state.waker, EPOLLIN.rawValue) else {
            throw LoadError(message: "cannot set up epoll: \(String(cString: strerror(errno)))")
        }
        // The callbacks' context is unretained: they are only called from `run`, during which this object lives.
        let context = Unmanaged.passUnretained(self).toOpaque()
        guard ccurl_multi_set_socket_callback(multi, socketCallback, context) == CURLM_OK,
            ccurl_multi_set_timer_callback(multi, timeoutCallback, context) == CURLM_OK,
            ccurl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, settings.maximumOutstanding) == CURLM_OK
        else { throw LoadError(message: "libcurl refuses an option of its multi interface") }
    }

    deinit {
        for handle in handles {
            curl_multi_remove_handle(multi, handle)
            curl_easy_cleanup(handle)
        }
        curl_multi_cleanup(multi)
        curl_slist_free_all(headers)
        for descriptor in [poll, timer] where descriptor >= 0 { close(descriptor) }
    }

    /// Runs until everything has been sent and has ended, or the generator is stopped.
    func run() {
        advance()
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        sendDue()
        while !state.ledger.withLock({ $0.isFinished }) {
            armTimer()
            let count = epoll_wait(poll, &events, Int32(events.count), -1)
            if count < 0, errno != EINTR { break }
            for event in events[..<Int(max(0, count))] {
                handle(event)
                sendDue()
            }
        }
        // A run that ends early, which an error of epoll would cause, must not look as if it went on.
        state.ledger.withLock { if !$0.isFinished { $0.stop(at: state.now) } }
    }

    // MARK: - Sending

    private func advance() {
        nextDue = schedule.next().map { Int64($0 * 1e9) }
        if nextDue == nil { state.ledger.withLock { $0.isExhausted = true } }
    }

    private func sendDue() {
        while let due = nextDue {
            let now = state.now
            guard due <= now else { return }
            let admitted = state.ledger.withLock { $0.admit(due: due, at: now, using: &targetGenerator) }
            if let admitted, !send(admitted.target, slot: admitted.slot, age: now - due) {
                state.ledger.withLock { $0.finish(slot: admitted.slot, .refused, at: state.now) }
            }
            advance()
        }
    }

    /// Starts a request; false where libcurl refuses it.
    private func send(_ target: String, slot: Int, age: Int64) -> Bool {
        if slot == handles.count {
            guard let handle = makeHandle(slot: slot) else { return false }
            handles.append(handle)
        }
        let handle = handles[slot]
        let remaining = max(1, Int(settings.timeout * 1e3) - Int(age / 1_000_000))
        guard ccurl_set_string(handle, CURLOPT_URL, target) == CURLE_OK,
            ccurl_set_long(handle, CURLOPT_TIMEOUT_MS, remaining) == CURLE_OK,
            curl_multi_add_handle(multi, handle) == CURLM_OK
        else { return false }
        callLibrary(CURL_SOCKET_TIMEOUT, 0)
        return true
    }

    private func makeHandle(slot: Int) -> UnsafeMutableRawPointer? {
        guard let handle = curl_easy_init() else { return nil }
        var ok = true
        func set(_ code: CURLcode) { ok = ok && code == CURLE_OK }
        set(ccurl_set_pointer(handle, CURLOPT_PRIVATE, UnsafeMutableRawPointer(bitPattern: slot + 1)))
        set(ccurl_set_string(handle, CURLOPT_PROTOCOLS_STR, "http,https"))
        set(ccurl_set_string(handle, CURLOPT_PROXY, ""))
        set(ccurl_set_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)))
        set(ccurl_set_long(handle, CURLOPT_NOSIGNAL, 1))
        set(ccurl_set_callback(handle, CURLOPT_WRITEFUNCTION, discard))
        set(ccurl_set_list(handle, CURLOPT_HTTPHEADER, headers))
        if settings.connections == .fresh {
            set(ccurl_set_long(handle, CURLOPT_FRESH_CONNECT, 1))
            set(ccurl_set_long(handle, CURLOPT_FORBID_REUSE, 1))
        }
        guard ok else {
            curl_easy_cleanup(handle)
            return nil
        }
        return handle
    }

    // MARK: - Waiting

    private func handle(_ event: epoll_event) {
        let descriptor = event.data.fd
        if descriptor == timer || descriptor == state.waker {
            var count: UInt64 = 0
            read(descriptor, &count, MemoryLayout.size(ofValue: count))
            if let due = timeoutDue, due <= state.now {
                timeoutDue = nil
                callLibrary(CURL_SOCKET_TIMEOUT, 0)
            }
        } else {
            var ready: Int32 = 0
            if event.events & EPOLLIN.rawValue != 0 { ready |= CURL_CSELECT_IN }
            if event.events & EPOLLOUT.rawValue != 0 { ready |= CURL_CSELECT_OUT }
            if event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { ready |= CURL_CSELECT_ERR }
            callLibrary(descriptor, ready)
        }
    }

    private func callLibrary(_ socket: curl_socket_t, _ ready: Int32) {
        var running: Int32 = 0
        curl_multi_socket_action(multi, socket, ready, &running)
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = message.pointee.easy_handle else { continue }
            // The message is gone once its handle is removed.
            let result = ccurl_message_result(message)
            let now = state.now
            var status = 0
            var mark: UnsafeMutableRawPointer?
            ccurl_get_long(handle, CURLINFO_RESPONSE_CODE, &status)
            ccurl_get_pointer(handle, CURLINFO_PRIVATE, &mark)
            curl_multi_remove_handle(multi, handle)
            let slot = Int(bitPattern: mark) - 1
            state.ledger.withLock { $0.finish(slot: slot, Self.outcome(result, status: status), at: now) }
        }
    }

    private static func outcome(_ result: CURLcode, status: Int) -> LoadLedger.Outcome {
        switch result {
        case CURLE_OK: status < 400 ? .completed : .failedStatus
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        default: .refused
        }
    }

    /// Sets the timer to what comes first: the next request or libcurl's time-out.
    private func armTimer() {
        // Zero would disarm it.
        let delay = [nextDue, timeoutDue].compactMap { $0 }.min().map { max(1, $0 - state.now) } ?? 0
        var setting = itimerspec()
        setting.it_value.tv_sec = Int(delay / 1_000_000_000)
        setting.it_value.tv_nsec = Int(delay % 1_000_000_000)
        timerfd_settime(timer, 0, &setting, nil)
    }

    @discardableResult
    private func watch(_ descriptor: Int32, _ events: UInt32) -> Bool {
        var event = epoll_event()
        event.events = events
        event.data.fd = descriptor
        if epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0 { return true }
        return errno == EEXIST && epoll_ctl(poll, EPOLL_CTL_MOD, descriptor, &event) == 0
    }

    fileprivate func socketChanged(_ socket: curl_socket_t, _ what: Int32) {
        switch what {
        case CURL_POLL_REMOVE: epoll_ctl(poll, EPOLL_CTL_DEL, socket, nil)
        case CURL_POLL_IN: watch(socket, EPOLLIN.rawValue)
        case CURL_POLL_OUT: watch(socket, EPOLLOUT.rawValue)
        default: watch(socket, EPOLLIN.rawValue | EPOLLOUT.rawValue)
        }
    }

    fileprivate func timeoutChanged(milliseconds: Int) {
        timeoutDue = milliseconds < 0 ? nil : state.now + Int64(milliseconds) * 1_000_000
    }

    /// Refuses a limit that the process cannot open connections for.
    private static func checkFileLimit(_ connections: Int) throws(LoadError) {
        var limit = rlimit()
        // Room for what else the program has open, twice over for connections that are being closed.
        let wanted = rlim_t(connections + 128)
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < wanted else {
            return
        }
        throw LoadError(
            message: "maximumOutstanding of \(connections) needs \(wanted) open files, the process may have"
                + " \(limit.rlim_cur); raise the limit (ulimit -n) or lower maximumOutstanding")
    }
}

private let socketCallback: curl_socket_callback = { _, socket, what, context, _ in
    guard let context else { return 0 }
    Unmanaged<LoadLoop>.fromOpaque(context).takeUnretainedValue().socketChanged(socket, what)
    return 0
}

private let timeoutCallback: curl_multi_timer_callback = { _, milliseconds, context in
    guard let context else { return 0 }
    Unmanaged<LoadLoop>.fromOpaque(context).takeUnretainedValue().timeoutChanged(milliseconds: milliseconds)
    return 0
}

private let discard: ccurl_data_callback = { _, size, count, _ in size * count }
