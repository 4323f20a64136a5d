import Foundation
import LinearAlgebra
import Testing

@Suite("Element-wise kernels")
struct ElementwiseTests {
    /// Lengths on both sides of the vector width.
    static let lengths = [0, 1, 15, 16, 17, 64, 1000]

    @Test("tanh is within 4e-7 of the library's, saturates and keeps its sign")
    func tanhAccuracy() {
        var x = stride(from: -12, through: 12, by: 0.000_37).map { Float($0) }
        x += [0, -0.0, 1e-30, -1e-30, 1e-4, 30, -30, 1e30, .infinity, -.infinity]
        var y = x
        var span = y.mutableSpan
        Kernels.tanh(&span)
        for (input, output) in zip(x, y) {
            #expect(abs(Double(output) - Foundation.tanh(Double(input))) < 4e-7)
            #expect(abs(output) <= 1)
        }
        var nan: [Float] = [.nan, 1]
        var nanSpan = nan.mutableSpan
        Kernels.tanh(&nanSpan)
        #expect(nan[0].isNaN && !nan[1].isNaN)
    }

    @Test("tanh of a small number is relatively exact")
    func tanhOfSmall() {
        var y: [Float] = [1e-8, 1e-3, -1e-5]
        let x = y
        var span = y.mutableSpan
        Kernels.tanh(&span)
        for (input, output) in zip(x, y) {
            #expect(abs(Double(output) / Foundation.tanh(Double(input)) - 1) < 1e-6)
        }
    }

    @Test("exp has a relative error below 3e-7 and saturates")
    func expAccuracy() {
        let x = stride(from: -87, through: 88, by: 0.0021).map { Float($0) }
        var y = x
        var span = y.mutableSpan
        Kernels.exp(&span)
        for (input, output) in zip(x, y) {
            #expect(abs(Double(output) / Foundation.exp(Double(input)) - 1) < 3e-7)
        }
        var edges: [Float] = [-1000, -88, 89, 1000, -.infinity, .infinity, 0]
        var edgeSpan = edges.mutableSpan
        Kernels.exp(&edgeSpan)
        #expect(edges == [0, 0, .infinity, .infinity, 0, .infinity, 1])
    }

    @Test("ReLU and both backward passes", arguments: lengths)
    func activations(count: Int) {
        var noise = Noise(UInt64(count) + 1)
        let x = noise.next(count)
        let gradient = noise.next(count)
        var relu = x
        var tanh = x
        var reluGradient = gradient
        var tanhGradient = gradient
        do {
            var span = relu.mutableSpan
            Kernels.relu(&span)
            var other = tanh.mutableSpan
            Kernels.tanh(&other)
        }
        do {
            var span = reluGradient.mutableSpan
            Kernels.reluBackward(relu.span, gradient: &span)
            var other = tanhGradient.mutableSpan
            Kernels.tanhBackward(tanh.span, gradient: &other)
        }
        for i in 0..<count {
            #expect(relu[i] == max(x[i], 0))
            #expect(reluGradient[i] == (x[i] > 0 ? gradient[i] : 0))
            let slope = 1 - pow(Foundation.tanh(Double(x[i])), 2)
            #expect(abs(Double(tanhGradient[i]) - Double(gradient[i]) * slope) < 1e-6)
        }
    }

    @Test("sums, scaling and adding", arguments: lengths)
    func sums(count: Int) {
        var noise = Noise(UInt64(count) + 5)
        let x = noise.next(count)
        let exact = x.reduce(0.0) { $0 + Double($1) * Double($1) }
        #expect(abs(Kernels.squaredNorm(x.span) - exact) <= 1e-6 * (exact + 1))
        var y = x
        var span = y.mutableSpan
        Kernels.scale(&span, by: 3)
        Kernels.add(x.span, times: -2, to: &span)
        for i in 0..<count { #expect(abs(y[i] - x[i]) < 1e-6) }
    }

    @Test("column sums are added", arguments: [(1, 1), (5, 3), (256, 64), (33, 70), (0, 4)])
    func columnSums(rows: Int, columns: Int) {
        var noise = Noise(2)
        let x = noise.next(rows * columns)
        var sums = [Float](repeating: 10, count: columns)
        var span = sums.mutableSpan
        Kernels.addColumnSums(x.span, rows: rows, columns: columns, into: &span)
        for column in 0..<columns {
            let exact = (0..<rows).reduce(10.0) { $0 + Double(x[$1 * columns + column]) }
            #expect(abs(Double(sums[column]) - exact) < 1e-4)
        }
    }

    @Test("squared norm of a long array")
    func longNorm() {
        let ones = [Float](repeating: 1, count: 100_003)
        #expect(Kernels.squaredNorm(ones.span) == 100_003)
    }

    @Test("Adam follows its paper's algorithm 1", arguments: [1, 16, 100])
    func adam(count: Int) {
        var noise = Noise(4)
        var parameters = noise.next(count)
        var exact = parameters.map(Double.init)
        var (m, v) = ([Float](repeating: 0, count: count), [Float](repeating: 0, count: count))
        var (exactM, exactV) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
        for step in 1...20 {
            let gradient = noise.next(count)
            let coefficients = Kernels.AdamStep(step: step, rate: 0.01, epsilon: 1e-5, gradientScale: 0.5)
            var p = parameters.mutableSpan
            var first = m.mutableSpan
            var second = v.mutableSpan
            Kernels.adam(
                coefficients, parameters: &p, gradient: gradient.span, firstMoment: &first, secondMoment: &second)
            for i in 0..<count {
                let g = 0.5 * Double(gradient[i])
                exactM[i] = 0.9 * exactM[i] + 0.1 * g
                exactV[i] = 0.999 * exactV[i] + 0.001 * g * g
                let corrected = exactM[i] / (1 - pow(0.9, Double(step)))
                let root = (exactV[i] / (1 - pow(0.999, Double(step)))).squareRoot()
                exact[i] -= 0.01 * corrected / (root + 1e-5)
            }
        }
        for i in 0..<count { #expect(abs(Double(parameters[i]) - exact[i]) < 1e-5) }
    }
}
