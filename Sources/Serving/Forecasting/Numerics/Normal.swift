import Foundation

/// The standard normal distribution.
enum Normal {
    /// Its quantile, by Newton's method on the complementary error function; exact to about 1e-14.
    static func quantile(_ probability: Double) -> Double {
        if probability < 0.5 { return -quantile(1 - probability) }
        // The tail's probability decides: 1 - probability loses nothing that the caller still had.
        let tail = 1 - probability
        var x = 0.0
        for _ in 0..<100 {
            // Newton on the tail's logarithm, which is concave: it never overshoots from below.
            let upper = erfc(x / 2.0.squareRoot()) / 2
            let density = exp(-x * x / 2) / (2 * Double.pi).squareRoot()
            let step = (log(upper) - log(tail)) * upper / density
            x += step
            if abs(step) < 1e-15 * (1 + abs(x)) { break }
        }
        return x
    }
}
