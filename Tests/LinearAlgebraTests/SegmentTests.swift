import Foundation
import LinearAlgebra
import Testing

@Suite("Kernels over segments")
struct SegmentTests {
    /// Short, long, single and empty segments.
    static let offsets = [0, 3, 4, 4, 40, 42, 1100]

    @Test("log-softmax sums to one within each segment and survives large logits")
    func logSoftmax() {
        var noise = Noise(1)
        var logits = noise.next(1100).map { $0 * 4 }
        logits[0] = 500
        logits[1] = 499
        logits[41] = -900
        var (logProbabilities, probabilities) = (logits, logits)
        do {
            var first = logProbabilities.mutableSpan
            var second = probabilities.mutableSpan
            Kernels.logSoftmax(
                logits.span, offsets: Self.offsets.span, logProbabilities: &first, probabilities: &second)
        }
        for segment in 0..<(Self.offsets.count - 1) {
            let range = Self.offsets[segment]..<Self.offsets[segment + 1]
            guard let most = logits[range].max().map(Double.init) else { continue }
            let logSum = most + log(range.reduce(0) { $0 + exp(Double(logits[$1]) - most) })
            for i in range {
                #expect(abs(Double(logProbabilities[i]) - (Double(logits[i]) - logSum)) < 1e-4)
                #expect(abs(Double(probabilities[i]) - exp(Double(logits[i]) - logSum)) < 1e-6)
            }
            #expect(abs(range.reduce(0) { $0 + Double(probabilities[$1]) } - 1) < 1e-5)
        }
    }

    @Test("adding to segments and summing them are each other's gradients", arguments: [1, 16, 37])
    func broadcast(width: Int) {
        let count = Self.offsets[Self.offsets.count - 1]
        let segments = Self.offsets.count - 1
        var noise = Noise(2)
        let values = noise.next(segments * width)
        var rows = [Float](repeating: 1, count: count * width)
        var span = rows.mutableSpan
        Kernels.add(values.span, toSegments: Self.offsets.span, width: width, of: &span)
        var sums = [Float](repeating: -1, count: segments * width)
        var sumSpan = sums.mutableSpan
        Kernels.sumSegments(rows.span, offsets: Self.offsets.span, width: width, into: &sumSpan)
        for segment in 0..<segments {
            let size = Float(Self.offsets[segment + 1] - Self.offsets[segment])
            for column in 0..<width {
                let exact = size * (1 + values[segment * width + column])
                #expect(abs(sums[segment * width + column] - exact) < 1e-3 * (1 + abs(exact)))
            }
        }
    }

    @Test("pooling gives mean, maximum and where it stands", arguments: [1, 16, 37])
    func pooling(width: Int) {
        let count = Self.offsets[Self.offsets.count - 1]
        let segments = Self.offsets.count - 1
        var noise = Noise(3)
        let rows = noise.next(count * width)
        let place = Kernels.PooledPlace(stride: 2 * width + 3, column: 2)
        var pooled = [Float](repeating: 9, count: segments * place.stride)
        var whereMaximal = [Int32](repeating: 9, count: segments * width)
        do {
            var first = pooled.mutableSpan
            var second = whereMaximal.mutableSpan
            Kernels.poolSegments(
                rows.span, offsets: Self.offsets.span, width: width, into: &first, at: place,
                whereMaximal: &second)
        }
        var gradients = [Float](repeating: 0, count: count * width)
        do {
            let ones = [Float](repeating: 1, count: pooled.count)
            var span = gradients.mutableSpan
            Kernels.poolSegmentsBackward(
                ones.span, at: place, offsets: Self.offsets.span, width: width, whereMaximal: whereMaximal.span,
                rowGradients: &span)
        }
        for segment in 0..<segments {
            let range = Self.offsets[segment]..<Self.offsets[segment + 1]
            // Columns beside the place stay as they are.
            #expect(pooled[segment * place.stride] == 9 && pooled[(segment + 1) * place.stride - 1] == 9)
            for column in 0..<width {
                let values = range.map { rows[$0 * width + column] }
                let start = segment * place.stride + place.column
                let (mean, most) = (pooled[start + column], pooled[start + width + column])
                let index = whereMaximal[segment * width + column]
                guard let largest = values.max() else {
                    #expect(mean == 0 && most == 0 && index == -1)
                    continue
                }
                #expect(most == largest && rows[Int(index) * width + column] == largest)
                #expect(abs(mean - values.reduce(0, +) / Float(values.count)) < 1e-5)
                for row in range {
                    let exact = 1 / Float(range.count) + (row == Int(index) ? 1 : 0)
                    #expect(abs(gradients[row * width + column] - exact) < 1e-6)
                }
            }
        }
    }
}
