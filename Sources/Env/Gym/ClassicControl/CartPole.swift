import Foundation
import Randomness

/// Gymnasium's CartPole without its time limit (`TimeLimit(CartPole(seed:), limit: CartPole.timeLimit)` is
/// CartPole-v1).
///
/// A pole on a cart (Barto, Sutton and Anderson, 1983): observation (x, ẋ, θ, θ̇) in m, m/s, rad, rad/s; action 0
/// pushes left, 1 right, with 10 N; Euler steps of 0.02 s; reward 1 a step; terminated beyond 2.4 m or 12°.
public struct CartPole: FlatEnvironment, Sendable, Codable {
    /// Longest episode of CartPole-v1, in steps.
    public static let timeLimit = 500.0

    private static let gravity = 9.8
    private static let cartMass = 1.0
    private static let poleMass = 0.1
    private static let totalMass = cartMass + poleMass
    private static let halfLength = 0.5
    private static let poleMoment = poleMass * halfLength
    private static let force = 10.0
    private static let timeStep = 0.02
    private static let angleLimit = 12 * 2 * Double.pi / 360
    private static let positionLimit = 2.4

    /// Position, velocity, angle, angular velocity.
    public private(set) var state = SIMD4<Double>()
    private var generator: RandomGenerator
    private var isRunning = false

    /// An environment that has not been reset.
    public init(seed: UInt64) { generator = RandomGenerator(seed: seed) }

    public var observationSpace: Box {
        let high: [Float] = [
            Float(2 * Self.positionLimit), .infinity, Float(2 * Self.angleLimit), .infinity,
        ]
        return Box(low: high.map { -$0 }, high: high)
    }
    public var actionSpace: Discrete { Discrete(count: 2) }

    public mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        if let seed { generator = RandomGenerator(seed: seed) }
        for index in 0..<4 { state[index] = generator.uniform(in: -0.05...0.05) }
        isRunning = true
        write(into: &observation)
    }

    /// Puts the system into `state`, as if an episode had led there: for comparing with another implementation.
    public mutating func set(state: SIMD4<Double>) {
        self.state = state
        isRunning = true
    }

    public mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        guard isRunning else { throw EnvironmentError.needsReset }
        guard action == 0 || action == 1 else {
            throw EnvironmentError("CartPole: action \(action) is not 0 (left) or 1 (right)")
        }
        let (velocity, angle, angularVelocity) = (state[1], state[2], state[3])
        let force = action == 1 ? Self.force : -Self.force
        let (sine, cosine) = (sin(angle), cos(angle))
        let pushed = (force + Self.poleMoment * angularVelocity * angularVelocity * sine) / Self.totalMass
        let angularAcceleration =
            (Self.gravity * sine - cosine * pushed)
            / (Self.halfLength * (4.0 / 3.0 - Self.poleMass * cosine * cosine / Self.totalMass))
        let acceleration = pushed - Self.poleMoment * angularAcceleration * cosine / Self.totalMass
        state += Self.timeStep * SIMD4(velocity, acceleration, angularVelocity, angularAcceleration)
        let terminated = abs(state[0]) > Self.positionLimit || abs(state[2]) > Self.angleLimit
        isRunning = !terminated
        write(into: &observation)
        return Outcome(reward: 1, terminated: terminated)
    }

    private func write(into observation: inout MutableSpan<Float>) {
        for index in 0..<4 { observation[index] = Float(state[index]) }
    }
}
