/// The quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno (Nocedal and Wright, "Numerical Optimization", 2nd
/// edition, 2006, algorithm 6.1), with gradients by central differences and a backtracking line search (algorithm 3.1).
struct BFGS {
    /// Iterations after which it stops.
    var iterations = 200
    /// Stops when no component of the gradient is larger than this, times 1 + |value|.
    var gradientTolerance = 1e-6
    /// Stops when an iteration gains less than this, times 1 + |value|.
    var gain = 1e-10
    /// Half the distance of the differences.
    var difference = 1e-5

    /// Minimises `function` from `start`; values that are not finite count as infinitely large.
    func minimum(from start: [Double], of function: ([Double]) -> Double) -> (point: [Double], value: Double) {
        let count = start.count
        func evaluate(_ point: [Double]) -> Double {
            let value = function(point)
            return value.isNaN ? .infinity : value
        }
        var (point, value) = (start, evaluate(start))
        guard count > 0, value.isFinite else { return (point, value) }
        var slope = gradient(at: point, value, evaluate)
        var inverse = Self.identity(count)
        var fresh = true
        for _ in 0..<iterations {
            guard let largest = slope.map(abs).max(), largest > gradientTolerance * (1 + abs(value)) else { break }
            var direction = (0..<count).map { row in -Self.dot(inverse[row], slope) }
            var descent = Self.dot(direction, slope)
            if !(descent < 0) {
                (inverse, fresh) = (Self.identity(count), true)
                direction = slope.map { -$0 }
                descent = Self.dot(direction, slope)
            }
            // Before curvature is known, a step of length 1 at most.
            var step = fresh ? min(1, 1 / (-descent).squareRoot()) : 1
            var (next, nextValue) = (point, Double.infinity)
            while step > 1e-12 {
                next = (0..<count).map { point[$0] + step * direction[$0] }
                nextValue = evaluate(next)
                if nextValue <= value + 1e-4 * step * descent { break }
                step /= 2
            }
            guard nextValue < value else {
                if fresh { break }
                (inverse, fresh) = (Self.identity(count), true)
                continue
            }
            let nextSlope = gradient(at: next, nextValue, evaluate)
            let moved = (0..<count).map { next[$0] - point[$0] }
            let turned = (0..<count).map { nextSlope[$0] - slope[$0] }
            let small = value - nextValue < gain * (1 + abs(value))
            (point, value, slope) = (next, nextValue, nextSlope)
            let curvature = Self.dot(moved, turned)
            if curvature > 1e-14 {
                if fresh {
                    let scale = curvature / Self.dot(turned, turned)
                    for row in 0..<count { inverse[row][row] = scale }
                }
                Self.update(&inverse, moved, turned, curvature)
                fresh = false
            }
            if small { break }
        }
        return (point, value)
    }

    private func gradient(at point: [Double], _ value: Double, _ function: ([Double]) -> Double) -> [Double] {
        point.indices.map { axis in
            let width = difference * max(1, abs(point[axis]))
            var (above, below) = (point, point)
            above[axis] += width
            below[axis] -= width
            let (high, low) = (function(above), function(below))
            switch (high.isFinite, low.isFinite) {
            case (true, true): return (high - low) / (2 * width)
            case (true, false): return (high - value) / width
            case (false, true): return (value - low) / width
            case (false, false): return 0
            }
        }
    }

    /// H ← (I − ρsy′)H(I − ρys′) + ρss′ with ρ = 1 / s′y (equation 6.17).
    private static func update(_ inverse: inout [[Double]], _ s: [Double], _ y: [Double], _ curvature: Double) {
        let image = s.indices.map { dot(inverse[$0], y) }
        let factor = (1 + dot(y, image) / curvature) / curvature
        for row in s.indices {
            for column in s.indices {
                inverse[row][column] +=
                    factor * s[row] * s[column] - (image[row] * s[column] + s[row] * image[column]) / curvature
            }
        }
    }

    private static func identity(_ count: Int) -> [[Double]] {
        (0..<count).map { row in (0..<count).map { $0 == row ? 1 : 0 } }
    }

    private static func dot(_ left: [Double], _ right: [Double]) -> Double {
        zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
    }
}
