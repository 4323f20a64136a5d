/// Values at equal intervals of time, the oldest first; some may be missing.
public struct TimeSeries: Sendable, Equatable {
    /// The values; `nil` where none was observed.
    public let observations: [Double?]

    /// A series in which values may be missing.
    /// - Throws: `ForecastingError` when it is empty, nothing in it was observed, or a value is NaN or infinite.
    public init(observations: [Double?]) throws {
        guard observations.contains(where: { $0 != nil }) else {
            throw ForecastingError("the series has no values; give at least one")
        }
        for (index, value) in observations.enumerated() {
            if let value, !value.isFinite {
                throw ForecastingError(
                    "value \(index + 1) of \(observations.count) is \(value); give a finite number, or nil where "
                        + "nothing was observed")
            }
        }
        self.observations = observations
    }

    /// A series without missing values.
    /// - Throws: as `init(observations:)`.
    public init(_ values: [Double]) throws { try self.init(observations: values) }

    /// Number of points in time, missing values included.
    public var count: Int { observations.count }

    /// The observed values, without the gaps.
    public var observed: [Double] { observations.compactMap(\.self) }

    /// True when nothing is missing.
    public var isComplete: Bool { !observations.contains(where: { $0 == nil }) }

    /// The first `count` points in time.
    /// - Throws: `ForecastingError` when there are fewer, or none of them was observed.
    public func prefix(_ count: Int) throws -> TimeSeries {
        guard count > 0, count <= self.count else {
            throw ForecastingError("the first \(count) values were asked for, and the series has \(self.count)")
        }
        return try TimeSeries(observations: Array(observations[..<count]))
    }

    /// The values with NaN where they are missing, as the filters want them.
    var marked: [Double] { observations.map { $0 ?? .nan } }
}
