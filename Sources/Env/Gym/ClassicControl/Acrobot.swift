import Foundation
import Randomness

/// Gymnasium's Acrobot without its time limit (`TimeLimit(Acrobot(seed:), limit: Acrobot.timeLimit)` is Acrobot-v1).
///
/// Two links, 1 m and 1 kg each, hang from a fixed joint; a motor at the joint between them is to swing the free end
/// 1 m above the fixed one (Sutton, "Generalization in reinforcement learning: successful examples using sparse coarse
/// coding", 1996; dynamics as in Sutton and Barto, "Reinforcement learning: an introduction", which has a term that
/// the paper lacks). θ₁ is the upper link's angle from hanging down, θ₂ the lower link's from the upper, in rad.
/// Observation (cos θ₁, sin θ₁, cos θ₂, sin θ₂, θ̇₁, θ̇₂), speeds within ±4π and ±9π rad/s. Actions 0, 1, 2 are torques
/// of −1, 0, 1 N·m. A step is a single Runge-Kutta step of 0.2 s. Reward −1 a step, 0 for the step that reaches the
/// height, which terminates.
public struct Acrobot: FlatEnvironment, Sendable, Codable {
    /// Longest episode of Acrobot-v1, in steps.
    public static let timeLimit = 500.0

    private static let gravity = 9.8
    private static let mass = 1.0
    private static let length = 1.0
    private static let center = 0.5
    private static let moment = 1.0
    private static let timeStep = 0.2
    private static let speedLimits = SIMD2(4 * Double.pi, 9 * Double.pi)

    /// θ₁ and θ₂ in [−π, π], then their speeds.
    public private(set) var state = SIMD4<Double>()
    private var generator: RandomGenerator
    private var isRunning = false

    /// An environment that has not been reset.
    public init(seed: UInt64) { generator = RandomGenerator(seed: seed) }

    public var observationSpace: Box {
        let high: [Float] = [1, 1, 1, 1, Float(Self.speedLimits[0]), Float(Self.speedLimits[1])]
        return Box(low: high.map { -$0 }, high: high)
    }
    public var actionSpace: Discrete { Discrete(count: 3) }

    public mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        if let seed { generator = RandomGenerator(seed: seed) }
        // Gymnasium rounds the first state, and no later one, to single precision.
        for index in 0..<4 { state[index] = Double(Float(generator.uniform(in: -0.1...0.1))) }
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
        guard (0..<3).contains(action) else {
            throw EnvironmentError("Acrobot: action \(action) is not 0, 1 or 2 (torque -1, 0 or 1)")
        }
        let next = Self.advanced(state, torque: Double(action - 1))
        let limits = Self.speedLimits
        let speed1 = min(max(next[2], -limits[0]), limits[0])
        let speed2 = min(max(next[3], -limits[1]), limits[1])
        state = SIMD4(Self.wrapped(next[0]), Self.wrapped(next[1]), speed1, speed2)
        let height: Double = -cos(state[0]) - cos(state[0] + state[1])
        let terminated = height > 1
        isRunning = !terminated
        write(into: &observation)
        return Outcome(reward: terminated ? 0 : -1, terminated: terminated)
    }

    /// The state a time step later by the classical Runge-Kutta method; angles and speeds are not limited.
    private static func advanced(_ state: SIMD4<Double>, torque: Double) -> SIMD4<Double> {
        let half = timeStep / 2
        let first = derivative(of: state, torque: torque)
        let second = derivative(of: state + half * first, torque: torque)
        let third = derivative(of: state + half * second, torque: torque)
        let fourth = derivative(of: state + timeStep * third, torque: torque)
        let middle: SIMD4<Double> = 2 * (second + third)
        let sum: SIMD4<Double> = first + middle + fourth
        return state + (timeStep / 6) * sum
    }

    private static func derivative(of state: SIMD4<Double>, torque: Double) -> SIMD4<Double> {
        let (speed1, speed2) = (state[2], state[3])
        let (sine, cosine) = (sin(state[1]), cos(state[1]))
        let coupling = mass * length * center
        let inertia2 = mass * center * center + moment
        let inertia12 = inertia2 + coupling * cosine
        let upper = mass * (center * center + length * length) + moment
        let inertia1 = upper + inertia2 + 2 * coupling * cosine
        let weight2 = mass * center * gravity * sin(state[0] + state[1])
        let weight1 = mass * (center + length) * gravity * sin(state[0]) + weight2
        let whirl = coupling * sine * speed2 * (speed2 + 2 * speed1)
        let load1 = weight1 - whirl
        let load2 = weight2 + coupling * sine * speed1 * speed1
        let ratio = inertia12 / inertia1
        let acceleration2 = (torque + ratio * load1 - load2) / (inertia2 - inertia12 * ratio)
        let acceleration1 = -(inertia12 * acceleration2 + load1) / inertia1
        return SIMD4(speed1, speed2, acceleration1, acceleration2)
    }

    /// The same angle in [−π, π].
    private static func wrapped(_ angle: Double) -> Double { angle.remainder(dividingBy: 2 * Double.pi) }

    private func write(into observation: inout MutableSpan<Float>) {
        observation[0] = Float(cos(state[0]))
        observation[1] = Float(sin(state[0]))
        observation[2] = Float(cos(state[1]))
        observation[3] = Float(sin(state[1]))
        observation[4] = Float(state[2])
        observation[5] = Float(state[3])
    }
}
