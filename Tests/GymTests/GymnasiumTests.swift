import Foundation
import Gym
import TestServers
import Testing

/// An environment of classic control, whose state can be read and set.
private protocol ClassicControlEnvironment: FlatEnvironment where ActionSpace == Discrete {
    associatedtype State: SIMD where State.Scalar == Double
    var state: State { get }
    mutating func set(state: State)
}

extension CartPole: ClassicControlEnvironment {}
extension Acrobot: ClassicControlEnvironment {}
extension MountainCar: ClassicControlEnvironment {}

/// A registered environment of Gymnasium and the one of ours that should have its table.
struct TableCase: Sendable, CustomTestStringConvertible {
    var identifier: String
    /// Arguments of `gymnasium.make`, JSON.
    var options: String
    var environment: any TabularEnvironment

    var testDescription: String { "\(identifier) \(options)" }
}

let tableCases = [
    TableCase(
        identifier: "FrozenLake-v1", options: #"{"is_slippery": true}"#, environment: FrozenLake(seed: 0)),
    TableCase(
        identifier: "FrozenLake-v1", options: #"{"is_slippery": false}"#,
        environment: FrozenLake(seed: 0, isSlippery: false)),
    TableCase(
        identifier: "FrozenLake8x8-v1", options: #"{"is_slippery": true}"#,
        environment: FrozenLake(seed: 0, map: FrozenLake.map8x8)),
    TableCase(
        identifier: "FrozenLake8x8-v1", options: #"{"is_slippery": false}"#,
        environment: FrozenLake(seed: 0, map: FrozenLake.map8x8, isSlippery: false)),
    TableCase(identifier: "Taxi-v4", options: "{}", environment: Taxi(seed: 0)),
    TableCase(identifier: "CliffWalking-v1", options: "{}", environment: CliffWalking(seed: 0)),
]

/// Our environments against Gymnasium itself, of the version in scripts/test-requirements.txt.
@Suite(.enabled(if: PythonProgram.isAvailable, "scripts/setup.sh --test makes .venv"))
struct GymnasiumTests {
    @Test func cartPole() throws { try expectAgreement(of: CartPole(seed: 0), with: "CartPole-v1") }

    @Test func acrobot() throws { try expectAgreement(of: Acrobot(seed: 0), with: "Acrobot-v1") }

    @Test func mountainCar() throws { try expectAgreement(of: MountainCar(seed: 0), with: "MountainCar-v0") }

    @Test(arguments: tableCases)
    func table(of testCase: TableCase) throws {
        try expectEqualTables(of: testCase.environment, identifier: testCase.identifier, options: testCase.options)
    }

    /// 0 is no limit.
    @Test func timeLimits() throws {
        let expected: [String: Double] = [
            "CartPole-v1": CartPole.timeLimit, "Acrobot-v1": Acrobot.timeLimit,
            "MountainCar-v0": MountainCar.timeLimit, "FrozenLake-v1": FrozenLake.timeLimit4x4,
            "FrozenLake8x8-v1": FrozenLake.timeLimit8x8, "Taxi-v4": Taxi.timeLimit, "CliffWalking-v1": 0,
        ]
        let program = PythonProgram(
            """
            import json, sys
            import gymnasium
            print(json.dumps({name: gymnasium.spec(name).max_episode_steps or 0 for name in sys.argv[1:]}))
            """)
        let limits = try JSONDecoder().decode([String: Double].self, from: program.run(expected.keys.sorted()))
        #expect(limits == expected)
    }

    /// Steps from `count` states and actions: half of the states are those of episodes with random actions, half are
    /// drawn from the whole range. A row is the state, the action, the next state, the observation, the reward and
    /// whether the episode terminates. Steps that a rounding error could decide are left out.
    private static let steps = PythonProgram(
        """
        import math, sys
        import gymnasium, numpy

        name, count = sys.argv[1], int(sys.argv[2])
        env = gymnasium.make(name).unwrapped
        generator = numpy.random.default_rng(20)
        pi = math.pi
        high = {
            "CartPole-v1": [2.6, 4, 0.23, 4],
            "Acrobot-v1": [pi, pi, 4 * pi, 9 * pi],
            "MountainCar-v0": [0.6, 0.07],
        }[name]
        low = [-1.2, -0.07] if name == "MountainCar-v0" else [-bound for bound in high]

        def margin(state, action, after):
            if name == "CartPole-v1":
                return min(abs(abs(after[0]) - env.x_threshold), abs(abs(after[2]) - env.theta_threshold_radians))
            if name == "Acrobot-v1":
                height = -math.cos(after[0]) - math.cos(after[0] + after[1])
                return min(abs(height - 1), pi - abs(after[0]), pi - abs(after[1]))
            velocity = state[1] + (action - 1) * env.force - env.gravity * math.cos(3 * state[0])
            position = state[0] + max(-env.max_speed, min(env.max_speed, velocity))
            return min(abs(velocity), abs(position - env.min_position), abs(position - env.goal_position))

        rows, episode = [], None
        env.reset(seed=20)
        while len(rows) < count:
            if len(rows) >= count // 2:
                state = generator.uniform(low, high)
            else:
                if episode is None:
                    env.reset()
                    episode = numpy.array(env.state, dtype=float)
                state = episode
            action = int(generator.integers(env.action_space.n))
            env.state = state.copy()
            env.steps_beyond_terminated = None
            observation, reward, terminated, _, _ = env.step(action)
            after = numpy.array(env.state, dtype=float)
            episode = None if terminated or generator.random() < 0.005 else after
            if margin(state, action, after) > 1e-9:
                rows.append([*state, action, *after, *observation, reward, terminated])
        sys.stdout.buffer.write(numpy.array(rows, dtype="<f8").tobytes())
        """)

    private func expectAgreement<E: ClassicControlEnvironment>(of environment: E, with identifier: String) throws {
        let count = 100_000
        var environment = environment
        let size = E.State.scalarCount
        let width = environment.observationSpace.width
        let length = 2 * size + width + 3
        let data = try Self.steps.run([identifier, "\(count)"])
        let values: [Double] = data.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
        }
        try #require(values.count == count * length)

        var mismatches: [String] = []
        var endings = 0
        for row in 0..<count {
            var position = row * length
            func next() -> Double {
                position += 1
                return values[position - 1]
            }
            func compare(_ what: String, _ ours: Double, tolerance: Double) {
                let theirs = next()
                if !(abs(ours - theirs) <= tolerance * max(1, abs(theirs))) {
                    mismatches.append("row \(row), \(what): \(ours), Gymnasium has \(theirs)")
                }
            }
            var state = E.State()
            for index in 0..<size { state[index] = next() }
            environment.set(state: state)
            let (observation, outcome) = try environment.step(Int(next()))
            for index in 0..<size { compare("state", environment.state[index], tolerance: 1e-6) }
            for index in 0..<width { compare("observation", Double(observation[index]), tolerance: 1e-6) }
            compare("reward", outcome.reward, tolerance: 1e-6)
            compare("terminated", outcome.terminated ? 1 : 0, tolerance: 0)
            endings += outcome.terminated ? 1 : 0
        }
        #expect(mismatches.isEmpty, "\(mismatches.count) differ, such as \(mismatches.prefix(3))")
        #expect(endings > 500 && endings < count - 500, "too few steps that end, or do not end, an episode")
    }

    /// A table as Gymnasium has it: entries of probability, next state, reward, and 1 for terminated.
    private struct Table: Decodable {
        var transitions: [[[[Double]]]]
        var firstStates: [Double]
    }

    private static let tables = PythonProgram(
        """
        import json, sys
        import gymnasium
        env = gymnasium.make(sys.argv[1], **json.loads(sys.argv[2])).unwrapped
        transitions = [
            [
                [[float(p), int(state), float(reward), int(end)] for p, state, reward, end in env.P[start][action]]
                for action in range(int(env.action_space.n))
            ]
            for start in range(int(env.observation_space.n))
        ]
        first = [float(p) for p in env.initial_state_distrib]
        print(json.dumps({"transitions": transitions, "firstStates": first}))
        """)

    private func expectEqualTables<E: TabularEnvironment>(
        of environment: E, identifier: String, options: String
    ) throws {
        let data = try Self.tables.run([identifier, options])
        let table = try JSONDecoder().decode(Table.self, from: data)
        let states = environment.observationSpace.count
        let actions = environment.actionSpace.count
        try #require(table.transitions.count == states && table.transitions.allSatisfy { $0.count == actions })
        var mismatches: [String] = []
        for state in 0..<states {
            for action in 0..<actions {
                let ours = environment.transitions(from: state, action: action)
                let theirs = table.transitions[state][action]
                let agrees = ours.elementsEqual(theirs) { entry, numbers in
                    abs(entry.probability - numbers[0]) <= 1e-12
                        && Array(numbers.dropFirst()) == [Double(entry.state), entry.reward, entry.terminated ? 1 : 0]
                }
                if !agrees { mismatches.append("state \(state), action \(action): \(ours), Gymnasium has \(theirs)") }
            }
        }
        #expect(mismatches.isEmpty, "\(mismatches.count) rows differ, such as \(mismatches.prefix(3))")
        let first = environment.firstStates
        #expect(first.elementsEqual(table.firstStates) { abs($0 - $1) <= 1e-12 })
    }
}
