import Glibc

/// Standard output and standard error.
enum Terminal {
    /// Whether standard error is a screen that a line can be redrawn on.
    static var isInteractive: Bool {
        isatty(STDERR_FILENO) == 1 && getenv("TERM").map { String(cString: $0) } != "dumb"
    }

    /// Columns of the screen; 80 when unknown.
    static var columns: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes text to standard error as it is, at once.
    static func writeError(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// `error: …` and, when there is one, `hint: …`.
    static func printError(_ message: String, hint: String?) {
        writeError("error: \(message.replacing("\n", with: " "))\n" + (hint.map { "hint: \($0)\n" } ?? ""))
    }
}
