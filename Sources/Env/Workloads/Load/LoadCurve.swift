import Foundation
public import Randomness

/// A load pattern with its parameters drawn: the level at every moment of one episode.
///
/// A value: its state is its parameters, the walk's position and a generator, and a decoded copy goes on as the
/// original would.
public struct LoadCurve: Sendable, Equatable, Codable {
    enum Shape: Sendable, Equatable, Codable {
        case constant
        case ramp(to: Double, start: Double, duration: Double)
        case spike(height: Double, gap: Double, rise: Double, hold: Double)
        case periodic(amplitude: Double, period: Double, phase: Double)
        case random(deviation: Double, memory: Double)
        case trace(levels: [Float], secondsPerLine: Double)
    }

    var shape: Shape
    var base: Double
    /// Logarithm of the level of a random walk, in standard deviations.
    var position = 0.0
    var generator: RandomGenerator

    /// Draws a curve of `pattern`.
    /// - Parameters:
    ///   - horizon: seconds that a trace has to last; it starts again from its first line after the last.
    ///   - trace: the file's counts for `.trace`; ignored by the others.
    /// - Precondition: a `.trace` pattern comes with its trace.
    public init(
        _ pattern: LoadPattern, horizon: Double, trace: LoadTrace? = nil, using generator: inout RandomGenerator
    ) {
        switch pattern {
        case .constant(let settings):
            base = settings.level.draw(using: &generator)
            shape = .constant
        case .ramp(let settings):
            let from = settings.from.draw(using: &generator)
            let to = settings.to.draw(using: &generator)
            let start = settings.start.draw(using: &generator)
            let duration = settings.duration.draw(using: &generator)
            let falls = generator.chance(settings.falling)
            base = falls ? to : from
            shape = .ramp(to: falls ? from : to, start: start, duration: duration)
        case .spike(let settings):
            base = settings.level.draw(using: &generator)
            shape = .spike(
                height: settings.height.draw(using: &generator), gap: settings.gap.draw(using: &generator),
                rise: settings.rise.draw(using: &generator), hold: settings.hold.draw(using: &generator))
        case .periodic(let settings):
            base = settings.level.draw(using: &generator)
            shape = .periodic(
                amplitude: settings.amplitude.draw(using: &generator),
                period: settings.period.draw(using: &generator), phase: 2 * Double.pi * generator.uniform())
        case .random(let settings):
            base = settings.level.draw(using: &generator)
            shape = .random(
                deviation: settings.deviation.draw(using: &generator),
                memory: settings.memory.draw(using: &generator))
            position = generator.normal()
        case .trace(let settings):
            guard let trace else { preconditionFailure("a trace pattern without its trace") }
            base = settings.level.draw(using: &generator)
            let pace = settings.secondsPerLine.draw(using: &generator)
            let first = Int(settings.part.draw(using: &generator) * Double(trace.levels.count - 1))
            let count = max(1, min(trace.levels.count, Int((horizon / pace).rounded(.up)) + 1))
            let highest = Float(settings.highest)
            shape = .trace(
                levels: (0..<count).map { min(highest, trace.levels[(first + $0) % trace.levels.count]) },
                secondsPerLine: pace)
        }
        self.generator = generator.split()
    }

    /// The mean level from `time` to `time + duration`, both in seconds; never negative. Calls go forward in time.
    public mutating func meanLevel(from time: Double, for duration: Double) -> Double {
        switch shape {
        case .constant:
            return base
        case .ramp(let to, let start, let length):
            return base + (to - base) * Self.meanRise(from: time, for: duration, start: start, length: length)
        case .spike(let height, let gap, let rise, let hold):
            let cycle = gap + rise + hold + rise
            // A window that reaches into the next cycle is cut at its end, which is a moment between spikes.
            let phase = time.truncatingRemainder(dividingBy: cycle)
            let up = Self.meanRise(from: phase, for: duration, start: gap, length: rise)
            let down = Self.meanRise(from: phase, for: duration, start: gap + rise + hold, length: rise)
            return base * (1 + (height - 1) * (up - down))
        case .periodic(let amplitude, let period, let phase):
            let frequency = 2 * Double.pi / period
            let mean =
                (cos(frequency * time + phase) - cos(frequency * (time + duration) + phase)) / (frequency * duration)
            return base * max(0, 1 + amplitude * mean)
        case .random(let deviation, let memory):
            let kept = exp(-duration / memory)
            position = position * kept + (1 - kept * kept).squareRoot() * generator.normal()
            return base * exp(deviation * position)
        case .trace(let levels, let secondsPerLine):
            let first = Int(time / secondsPerLine)
            let last = max(first, Int((time + duration) / secondsPerLine - 1e-9))
            var sum = 0.0
            for line in first...last {
                let begin = max(time, Double(line) * secondsPerLine)
                let end = min(time + duration, Double(line + 1) * secondsPerLine)
                sum += Double(levels[line % levels.count]) * (end - begin)
            }
            return base * sum / duration
        }
    }

    /// Mean over a window of a line that goes from 0 at `start` to 1 at `start + length` and is level before and after.
    private static func meanRise(from time: Double, for duration: Double, start: Double, length: Double) -> Double {
        /// Integral of the line up to a moment.
        func area(_ moment: Double) -> Double {
            let past = moment - start
            if past <= 0 { return 0 }
            return past < length ? past * past / (2 * length) : past - length / 2
        }
        return (area(time + duration) - area(time)) / duration
    }
}
