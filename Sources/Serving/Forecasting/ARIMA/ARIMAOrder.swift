/// The order (p, d, q)(P, D, Q)s of a seasonal ARIMA model (Box and Jenkins, "Time Series Analysis: Forecasting and
/// Control", 1970, chapter 9).
public struct ARIMAOrder: Sendable, Hashable, CustomStringConvertible {
    /// Numbers of autoregressive terms, differences and moving-average terms.
    public struct Terms: Sendable, Hashable {
        /// Autoregressive terms, 0 to 24.
        public var p: Int
        /// Differences, 0 to 3.
        public var d: Int
        /// Moving-average terms, 0 to 24.
        public var q: Int

        /// Three numbers.
        public init(_ p: Int, _ d: Int, _ q: Int) { (self.p, self.d, self.q) = (p, d, q) }
    }

    /// (p, d, q).
    public let terms: Terms
    /// (P, D, Q), whose lags are multiples of the period.
    public let seasonal: Terms
    /// s, the number of values in a season; 1 for none.
    public let period: Int

    /// An order.
    /// - Throws: `ForecastingError` for numbers out of range, or seasonal terms with a period below 2.
    public init(_ terms: Terms, seasonal: Terms = Terms(0, 0, 0), period: Int = 1) throws {
        for part in [terms, seasonal] {
            guard (0...24).contains(part.p), (0...3).contains(part.d), (0...24).contains(part.q) else {
                throw ForecastingError(
                    "the order (\(part.p), \(part.d), \(part.q)) has numbers out of range: 0 to 24 terms and 0 to 3 "
                        + "differences are possible")
            }
        }
        guard period >= 1, period <= 100_000 else {
            throw ForecastingError("the period must be 1 (no season) to 100,000, found \(period)")
        }
        guard period > 1 || seasonal == Terms(0, 0, 0) else {
            throw ForecastingError("seasonal terms need a period of 2 or more")
        }
        (self.terms, self.seasonal, self.period) = (terms, seasonal, period)
    }

    /// Without seasonal terms.
    /// - Throws: as the other initialiser.
    public init(_ p: Int, _ d: Int, _ q: Int) throws { try self.init(Terms(p, d, q)) }

    /// d + D·s: values that the differences need before their first.
    public var lostToDifferences: Int { terms.d + seasonal.d * period }

    /// p + q + P + Q.
    public var coefficientCount: Int { terms.p + terms.q + seasonal.p + seasonal.q }

    /// As in `(0,1,1)(0,1,1)12`.
    public var description: String {
        let plain = "(\(terms.p),\(terms.d),\(terms.q))"
        guard period > 1 else { return plain }
        return plain + "(\(seasonal.p),\(seasonal.d),\(seasonal.q))\(period)"
    }
}
