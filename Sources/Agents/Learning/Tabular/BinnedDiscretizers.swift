public import Cluster
public import Gym
public import Settings

/// Vectors of features in bins: the entry of action a in cell c is c · actions + a.
public struct BoxDiscretizer: Discretizer {
    public typealias Observation = [Float]

    public let bins: [BinSettings]
    /// Number of actions of each cell.
    public let actions: Int
    /// Components of an observation.
    private let width: Int
    private let row: RowBins

    /// A numbering of the cells that `bins` divide observations into; components that they do not name are ignored.
    /// - Parameters:
    ///   - bins: the names of features are the numbers of components, from 0.
    ///   - width: components of an observation.
    ///   - actions: actions that are legal everywhere.
    /// - Throws: `SettingsError` for a bin that makes no sense or names no component; its key is relative to
    ///   `TabularSettings`.
    public init(bins: [BinSettings], width: Int, actions: Int) throws(SettingsError) {
        var row = RowBins()
        for (index, bin) in bins.enumerated() {
            try bin.check(at: index)
            guard let component = Int(bin.feature), component >= 0, component < width else {
                throw SettingsError(
                    key: "bins[\(index)].feature", problem: "there is no component \"\(bin.feature)\"",
                    hint: "the observations have the components \"0\" to \"\(width - 1)\"")
            }
            row.append(bin, at: component)
        }
        (self.bins, self.width, self.actions, self.row) = (bins, width, actions, row)
    }

    public var count: Int { saturatingProduct(row.count, actions) }

    public func entries(of observation: [Float], actions: Int, into entries: inout [Int]) {
        entries.removeAll(keepingCapacity: true)
        guard observation.count == width else { return }
        let first = row.cell(of: observation, from: 0) * self.actions
        for action in 0..<min(actions, self.actions) { entries.append(first + action) }
    }
}

/// Lists of candidates in bins: the entry of a candidate is its cell, counted from the cell of the context.
///
/// What tells two candidates apart is their features alone, never their place on the list.
public struct CandidateDiscretizer: Discretizer {
    public typealias Observation = CandidateBatch

    public let bins: [BinSettings]
    /// Features of a context row and of a candidate row.
    private let widths: (context: Int, candidate: Int)
    private let context: RowBins
    private let candidate: RowBins

    /// A numbering of the cells that `bins` divide context and candidates into; other features are ignored.
    /// - Parameters:
    ///   - bins: features by their names in `schema`.
    ///   - schema: the names of the rows' features, in order.
    /// - Throws: `SettingsError` for a bin that makes no sense or names no feature; its key is relative to
    ///   `TabularSettings`.
    public init(bins: [BinSettings], schema: FeatureSchema) throws(SettingsError) {
        var (context, candidate) = (RowBins(), RowBins())
        for (index, bin) in bins.enumerated() {
            try bin.check(at: index)
            let position = try Self.position(of: bin, at: index, in: schema)
            switch bin.row {
            case .context: context.append(bin, at: position)
            case .candidate: candidate.append(bin, at: position)
            }
        }
        self.bins = bins
        widths = (schema.context.count, schema.candidate.count)
        (self.context, self.candidate) = (context, candidate)
    }

    private static func position(
        of bin: BinSettings, at index: Int, in schema: FeatureSchema
    ) throws(SettingsError) -> Int {
        let (names, others) =
            bin.row == .context ? (schema.context, schema.candidate) : (schema.candidate, schema.context)
        if let position = names.firstIndex(of: bin.feature) { return position }
        let hint: String
        if others.contains(bin.feature) {
            hint = "the \(bin.row == .context ? "candidate" : "context") row has it: change the key row"
        } else {
            let near = NearestName.find(bin.feature, among: names)
            hint = (near.map { "did you mean \"\($0)\"? " } ?? "") + "docs/observations.md lists the features"
        }
        throw SettingsError(
            key: "bins[\(index)].feature", problem: "the \(bin.row.rawValue) row has no feature \"\(bin.feature)\"",
            hint: hint)
    }

    public var count: Int { saturatingProduct(context.count, candidate.count) }

    public func entries(of observation: CandidateBatch, actions: Int, into entries: inout [Int]) {
        entries.removeAll(keepingCapacity: true)
        guard observation.count == 1, observation.contextWidth == widths.context,
            observation.candidateWidth == widths.candidate
        else { return }
        let first = context.cell(of: observation.contexts, from: 0) * candidate.count
        for index in 0..<observation.candidateCount(0) {
            entries.append(first + candidate.cell(of: observation.candidateRows, from: index * widths.candidate))
        }
    }
}

extension BinSettings {
    /// Refuses bins that make no sense, naming place `index` of the list.
    fileprivate func check(at index: Int) throws(SettingsError) {
        do {
            try validate()
        } catch {
            throw SettingsError(key: "bins[\(index)].\(error.key)", problem: error.problem, hint: error.hint)
        }
    }
}

/// Bins of some features of a row; together they divide it into cells, numbered from 0.
private struct RowBins: Sendable {
    private struct Feature {
        let position: Int
        let low: Double
        /// Bins per unit.
        let density: Double
        let bins: Int

        /// The bin of a value; the first for NaN.
        func bin(_ value: Float) -> Int {
            // NaN fails every comparison: this way round it never becomes an integer, which would trap.
            let place = (Double(value) - low) * density
            guard place >= 1 else { return 0 }
            return place < Double(bins) ? Int(place) : bins - 1
        }
    }

    private var features: [Feature] = []
    /// Number of cells; 1 without features, `Int.max` where there would be more.
    private(set) var count = 1

    mutating func append(_ settings: BinSettings, at position: Int) {
        features.append(
            Feature(
                position: position, low: settings.low,
                density: Double(settings.bins) / (settings.high - settings.low), bins: settings.bins))
        count = saturatingProduct(count, settings.bins)
    }

    /// The cell of the row that starts at `start` of `rows`.
    /// - Precondition: `count` is less than `Int.max`.
    func cell(of rows: [Float], from start: Int) -> Int {
        var cell = 0
        for feature in features { cell = cell * feature.bins + feature.bin(rows[start + feature.position]) }
        return cell
    }
}
