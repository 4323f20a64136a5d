import Drift
import Foundation
import Randomness
import TestServers
import Testing

/// The description of what a closure throws, empty when it throws nothing.
func message<Result>(_ body: () throws -> Result) -> String {
    do {
        _ = try body()
        return ""
    } catch { return "\(error)" }
}

@Suite struct DivergenceTests {
    private let even = [0.25, 0.25, 0.25, 0.25]
    private let rising = [0.1, 0.2, 0.3, 0.4]

    @Test func areThePublishedValues() throws {
        #expect(abs(try Divergence.populationStability(even, rising) - 0.228217) < 1e-6)
        #expect(abs(try Divergence.kullbackLeibler(even, rising) - 0.121777) < 1e-6)
        #expect(abs(try Divergence.jensenShannon(even, rising) - 0.027866) < 1e-6)
    }

    @Test func areZeroOfEqualsAndInfiniteOrLn2OfStrangers() throws {
        #expect(try Divergence.populationStability(rising, rising) == 0)
        #expect(try Divergence.jensenShannon(rising, rising) == 0)
        #expect(try Divergence.kullbackLeibler([1, 0], [0.5, 0.5]) == log(2))
        #expect(try Divergence.kullbackLeibler([0.5, 0.5], [1, 0]) == .infinity)
        #expect(try Divergence.populationStability([1, 0], [0, 1]) == .infinity)
        #expect(abs(try Divergence.jensenShannon([1, 0], [0, 1]) - log(2)) < 1e-15)
    }

    /// The further two normal distributions are apart, the larger every figure.
    @Test func growWithTheShift() throws {
        func shares(_ mean: Double) -> [Double] {
            let weights = (0..<21).map { exp(-pow(Double($0 - 10) / 3 - mean, 2) / 2) }
            return weights.map { $0 / weights.reduce(0, +) }
        }
        var before = [-1.0, -1, -1]
        for shift in stride(from: 0.0, through: 3, by: 0.25) {
            let figures = [
                try Divergence.populationStability(shares(shift), shares(0)),
                try Divergence.kullbackLeibler(shares(shift), shares(0)),
                try Divergence.jensenShannon(shares(shift), shares(0)),
            ]
            for (new, old) in zip(figures, before) { #expect(new > old) }
            before = figures
        }
    }

    @Test func refuseWhatIsNoDistribution() {
        #expect(message { try Divergence.populationStability([], []) }.contains("1 or more"))
        #expect(message { try Divergence.jensenShannon([1], [0.5, 0.5]) }.contains("1 and 2 bins"))
        #expect(message { try Divergence.kullbackLeibler([1.5, -0.5], [0.5, 0.5]) }.contains("negative"))
        #expect(message { try Divergence.kullbackLeibler([.nan, 1], [0.5, 0.5]) }.contains("negative or infinite"))
        #expect(message { try Divergence.kullbackLeibler([3, 4], [0.5, 0.5]) }.contains("sum to 7"))
    }

    @Test(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
    func areSciPys() throws {
        var generator = RandomGenerator(seed: 1)
        var pairs: [[[Double]]] = []
        for bins in 2...30 {
            pairs.append(
                (0..<2).map { _ in
                    let weights = (0..<bins).map { _ in generator.exponential(rate: 1) }
                    return weights.map { $0 / weights.reduce(0, +) }
                })
        }
        let program = PythonProgram(
            """
            import json, sys
            from scipy.stats import entropy
            from scipy.spatial.distance import jensenshannon
            print(json.dumps([[entropy(p, q) + entropy(q, p), entropy(p, q), jensenshannon(p, q) ** 2]
                              for p, q in json.loads(sys.argv[1])]))
            """)
        let argument = String(decoding: try JSONEncoder().encode(pairs), as: UTF8.self)
        let theirs = try JSONDecoder().decode([[Double]].self, from: program.run([argument]))
        #expect(theirs.count == pairs.count)
        for (pair, expected) in zip(pairs, theirs) {
            #expect(abs(try Divergence.populationStability(pair[0], pair[1]) - expected[0]) < 1e-12)
            #expect(abs(try Divergence.kullbackLeibler(pair[0], pair[1]) - expected[1]) < 1e-12)
            #expect(abs(try Divergence.jensenShannon(pair[0], pair[1]) - expected[2]) < 1e-12)
        }
    }
}
