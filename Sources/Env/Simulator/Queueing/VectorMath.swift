/// Elementary functions of eight single-precision values at once, branch-free.
enum VectorMath {
    typealias Vector = SIMD8<Float>
    typealias Bits = SIMD8<UInt32>

    /// e^x for x <= 0, relative error below 3e-7; 0 below -87.
    @inline(__always)
    static func exp(_ x: Vector) -> Vector {
        // 2^t = 2^n 2^f with n the nearest integer: adding 1.5 · 2^23 leaves n in the low bits.
        let magic = Vector(repeating: 12_582_912)
        let t = pointwiseMax(x * 1.442_695, Vector(repeating: -126))
        let shifted = t + magic
        let f = t - (shifted - magic)
        var p = f * 0.001_333_356 + 0.009_618_129
        p = p * f + 0.055_504_11
        p = p * f + 0.240_226_51
        p = p * f + 0.693_147_2
        p = p * f + 1
        let exponent = (unsafeBitCast(shifted, to: Bits.self) &+ 127) &<< 23
        return p * unsafeBitCast(exponent, to: Vector.self)
    }

    /// The cube root of x >= 0, relative error below 1e-6 after a guess from the exponent and Halley's method.
    @inline(__always)
    static func cubeRoot(_ x: Vector) -> Vector {
        // Bits / 3 + constant: the upper 23 bits pass through the mantissa of a float, which divides them in parallel.
        let y = pointwiseMax(x, Vector(repeating: 1e-30))
        let upper = (unsafeBitCast(y, to: Bits.self) &>> 8) | 0x4B00_0000
        let third = (unsafeBitCast(upper, to: Vector.self) - 8_388_608) * 0.333_333_34 + (2_773_129 + 8_388_608)
        let guess = (unsafeBitCast(third, to: Bits.self) & 0x007F_FFFF) &<< 8
        var root = unsafeBitCast(guess, to: Vector.self)
        var cube = root * root * root
        root *= (cube + 2 * y) / (2 * cube + y)
        cube = root * root * root
        root -= root * (cube - y) / (3 * y)
        return root
    }

    /// P(Z > z) of a standard normal, absolute error below 1e-6 and relative error below 1e-4 to z = 5
    /// (Abramowitz and Stegun, 26.2.17).
    @inline(__always)
    static func upperNormal(_ z: Vector) -> Vector {
        let size = pointwiseMax(z, -z)
        let t = 1 / (size * 0.231_641_9 + 1)
        var p = t * 1.330_274_4 - 1.821_256
        p = p * t + 1.781_477_9
        p = p * t - 0.356_563_78
        p = p * t + 0.319_381_53
        let above = p * t * 0.398_942_3 * exp(size * size * -0.5)
        return above.replacing(with: 1 - above, where: z .< 0)
    }
}
