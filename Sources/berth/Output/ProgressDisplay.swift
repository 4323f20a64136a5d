/// Shows how far long work is: a bar that is redrawn on a terminal, a line every few seconds elsewhere.
struct ProgressDisplay {
    /// What is counted, in the plural.
    let unit: String
    /// When the work is done.
    var total: Int
    private let isInteractive: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    /// What was done before this process began, which says nothing about its speed.
    private let first: Int
    private var lastShown: ContinuousClock.Instant?
    private var isLineOpen = false

    /// Nothing is shown before the first `update`.
    /// - Parameter first: how much was done already, in a run that is resumed.
    init(unit: String, total: Int, first: Int = 0, isInteractive: Bool = Terminal.isInteractive) {
        (self.unit, self.total, self.first, self.isInteractive) = (unit, total, first, isInteractive)
        start = clock.now
    }

    /// Shows the state unless it was shown a moment ago.
    /// - Parameter details: figures to show behind the count, `nil` for what is not known yet.
    mutating func update(_ done: Int, details: [(name: String, value: Double?)] = []) {
        let now = clock.now
        let interval: Duration = isInteractive ? .milliseconds(100) : .seconds(10)
        if let lastShown, now - lastShown < interval { return }
        show(done, details, now)
    }

    /// Shows the last state and ends the line.
    mutating func finish(_ done: Int, details: [(name: String, value: Double?)] = []) {
        show(done, details, clock.now)
        interrupt()
    }

    /// Ends an open line, so that other text can follow.
    mutating func interrupt() {
        if isLineOpen { Terminal.writeError("\n") }
        isLineOpen = false
    }

    private mutating func show(
        _ done: Int, _ details: [(name: String, value: Double?)], _ now: ContinuousClock.Instant
    ) {
        lastShown = now
        let seconds = (now - start) / .seconds(1)
        let text = Self.line(
            done: done, total: total, unit: unit, rate: seconds > 0 ? Double(done - first) / seconds : 0,
            details: details)
        if isInteractive {
            let bar = Self.bar(done: done, total: total, width: 20)
            let line = String("\(bar) \(text)".prefix(Terminal.columns - 1))
            Terminal.writeError("\r\u{1B}[2K\(line)")
            isLineOpen = true
        } else {
            Terminal.writeError("\(text)\n")
        }
    }

    static func bar(done: Int, total: Int, width: Int) -> String {
        let filled = total > 0 ? min(width, max(0, done * width / total)) : width
        return "[\(String(repeating: "#", count: filled))\(String(repeating: ".", count: width - filled))]"
    }

    static func line(
        done: Int, total: Int, unit: String, rate: Double, details: [(name: String, value: Double?)]
    ) -> String {
        let percent = total > 0 ? min(100, 100 * done / total) : 100
        var parts = ["\(percent) %", "\(Figures.grouped(done))/\(Figures.grouped(total)) \(unit)"]
        if rate > 0 {
            parts.append("\(Figures.grouped(Int(rate.rounded())))/s")
            if done < total { parts.append("\(Figures.duration(Double(total - done) / rate)) left") }
        }
        for (name, value) in details { if let value { parts.append("\(name) \(Figures.short(value))") } }
        return parts.joined(separator: "  ")
    }
}
