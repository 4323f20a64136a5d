import Foundation
import Randomness

/// Gymnasium's MountainCar without its time limit (`TimeLimit(MountainCar(seed:), limit: MountainCar.timeLimit)` is
/// MountainCar-v0).
///
/// A car whose motor is too weak for the hill has to swing up (Moore, "Efficient memory-based learning for robot
/// control", 1990): observation (x, ẋ), x in -1.2...0.6 and ẋ within ±0.07; actions 0, 1, 2 push left, not at all,
/// right; reward −1 a step; terminated at x >= 0.5. At the left wall the car stops.
public struct MountainCar: FlatEnvironment, Sendable, Codable {
    /// Longest episode of MountainCar-v0, in steps.
    public static let timeLimit = 200.0

    private static let positions = -1.2...0.6
    private static let speedLimit = 0.07
    private static let goal = 0.5
    private static let force = 0.001
    private static let gravity = 0.0025

    /// Position and velocity.
    public private(set) var state = SIMD2<Double>()
    private var generator: RandomGenerator
    private var isRunning = false

    /// An environment that has not been reset.
    public init(seed: UInt64) { generator = RandomGenerator(seed: seed) }

    public var observationSpace: Box {
        let (low, high) = (Float(Self.positions.lowerBound), Float(Self.positions.upperBound))
        return Box(low: [low, -Float(Self.speedLimit)], high: [high, Float(Self.speedLimit)])
    }
    public var actionSpace: Discrete { Discrete(count: 3) }

    public mutating func reset(seed: UInt64?, into observation: inout MutableSpan<Float>) throws {
        if let seed { generator = RandomGenerator(seed: seed) }
        state = SIMD2(generator.uniform(in: -0.6 ... -0.4), 0)
        isRunning = true
        write(into: &observation)
    }

    /// Puts the car into `state`, as if an episode had led there: for comparing with another implementation.
    public mutating func set(state: SIMD2<Double>) {
        self.state = state
        isRunning = true
    }

    public mutating func step(_ action: Int, into observation: inout MutableSpan<Float>) throws -> Outcome {
        guard isRunning else { throw EnvironmentError.needsReset }
        guard (0..<3).contains(action) else {
            throw EnvironmentError("MountainCar: action \(action) is not 0 (left), 1 (none) or 2 (right)")
        }
        let acceleration = Double(action - 1) * Self.force - Self.gravity * cos(3 * state[0])
        var velocity = min(max(state[1] + acceleration, -Self.speedLimit), Self.speedLimit)
        let position = min(max(state[0] + velocity, Self.positions.lowerBound), Self.positions.upperBound)
        if position == Self.positions.lowerBound, velocity < 0 { velocity = 0 }
        state = SIMD2(position, velocity)
        let terminated = position >= Self.goal && velocity >= 0
        isRunning = !terminated
        write(into: &observation)
        return Outcome(reward: -1, terminated: terminated)
    }

    private func write(into observation: inout MutableSpan<Float>) {
        observation[0] = Float(state[0])
        observation[1] = Float(state[1])
    }
}
