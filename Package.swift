// swift-tools-version: 6.2
import PackageDescription

// Three roofs (Env, Agents, Serving) on a base and Experiments above them, one room per target; arrows point down only.
// docs/architecture.md says what lives where and why.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let coreMetrics = Target.Dependency.product(name: "CoreMetrics", package: "swift-metrics")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

func room(_ roof: String, _ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(roof)/\(name)", swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.init(stringLiteral: name)] + dependencies,
        path: "Tests/\(name)Tests", exclude: exclude, swiftSettings: strict)
}

func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, path: "Sources/System/\(name)", pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let package = Package(
    name: "berth",
    products: [
        .executable(name: "berth", targets: ["berth"]),
        // What python/ loads: simulated clusters behind a C interface.
        .library(name: "berthenv", type: .dynamic, targets: ["CInterface"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C libraries and kernels
        system("CHDF5", pkgConfig: "hdf5-serial", apt: "libhdf5-dev"),
        system("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
        system("CXGBoost", pkgConfig: "xgboost", apt: "libxgboost-dev"),
        .systemLibrary(name: "CHiredis", path: "Sources/System/CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CLinux", path: "Sources/System/CLinux"),
        .target(
            name: "CSimdjson", path: "Sources/System/CSimdjson", cxxSettings: [.unsafeFlags(["-O3"])],
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++")]),
        .target(name: "CMPI", path: "Sources/System/CMPI"),
        .target(name: "COpenBLAS", path: "Sources/System/COpenBLAS"),
        .target(
            name: "CKernels", path: "Sources/System/CKernels", cSettings: [.unsafeFlags(["-O3"])],
            linkerSettings: [.linkedLibrary("m")]),
        .target(name: "CTrees", path: "Sources/System/CTrees", cSettings: [.unsafeFlags(["-O3"])]),
        .target(
            name: "CSimulatorKernels", path: "Sources/System/CSimulatorKernels",
            cSettings: [.unsafeFlags(["-O3"])]),

        // Base: what everything stands on
        room("Base", "Randomness"),
        room("Base", "Settings", [yams]),
        room("Base", "Windows"),
        room("Base", "JSON", ["CSimdjson"]),
        room("Base", "HTTP", ["CCurl"]),
        room("Base", "Kubernetes", ["HTTP", "JSON", "Randomness", yams, logging]),
        room("Base", "Telemetry", ["Windows", "HTTP", "JSON", "Settings"]),

        // Env: what an agent acts in
        room("Env", "Gym", ["Randomness"]),
        room("Env", "Cluster", ["Windows", "Randomness", "Gym", "Settings"]),
        room("Env", "Workloads", ["Randomness", "Settings"]),
        room("Env", "Simulator", ["CSimulatorKernels", "Windows", "Cluster", "Workloads", "Randomness", "Settings"]),
        room("Env", "LoadGeneration", ["CCurl", "CLinux", "Workloads", "Randomness", "Settings", histogram]),
        room(
            "Env", "Watching",
            ["Windows", "Cluster", "HTTP", "Kubernetes", "Telemetry", "Settings", logging]),
        room(
            "Env", "Live",
            [
                "Watching", "Windows", "Cluster", "HTTP", "JSON", "Kubernetes", "Telemetry", "LoadGeneration",
                "Workloads", "Randomness",
                "Settings", logging,
            ]),
        room(
            "Env", "Calibration",
            ["Live", "LoadGeneration", "Simulator", "Cluster", "Workloads", "Randomness", "Settings"]),
        room("Env", "CInterface", ["Simulator", "Cluster", "Gym", "Settings"]),

        // Agents: what acts
        room("Agents", "LinearAlgebra", ["COpenBLAS", "CKernels"]),
        room("Agents", "NeuralNetworks", ["LinearAlgebra", "Randomness", "Gym"]),
        room("Agents", "Checkpoints", ["CHDF5"]),
        room("Agents", "Processes", ["CMPI"]),
        room(
            "Agents", "Learning",
            [
                "NeuralNetworks", "LinearAlgebra", "Checkpoints", "Processes", "Cluster", "Gym", "Randomness",
                "Settings",
            ]),
        room(
            "Agents", "ONNX",
            ["NeuralNetworks", "LinearAlgebra", "Checkpoints", "Learning", "Cluster", "Gym", "Randomness", yams]),
        room("Agents", "Baselines", ["Windows", "Cluster", "Gym", "Randomness", "Settings"]),

        // Serving: what answers a real cluster
        room("Serving", "Forecasting", ["Randomness"]),
        room("Serving", "Monitoring", [coreMetrics]),
        room("Serving", "Responses", ["JSON", "Monitoring", hummingbird, nioCore, logging]),
        room(
            "Serving", "Extender",
            [
                "Cluster", "Baselines", "Prediction", "Watching", "Windows", "Kubernetes", "Telemetry", "JSON",
                "Settings", "Randomness", "Monitoring", "Responses", hummingbird, nioCore, serviceLifecycle, logging,
                coreMetrics,
            ]),
        room(
            "Serving", "PredictionAPI",
            [
                "CHiredis", "Prediction", "Drift", "Checkpoints", "JSON", "Settings", "Monitoring", "Responses",
                hummingbird, hummingbirdCore, hummingbirdTLS, nioCore, nioPosix, nioSSL, httpTypes, serviceLifecycle,
                logging, coreMetrics,
            ]),
        room(
            "Serving", "Prediction",
            ["CTrees", "CXGBoost", "Windows", "Cluster", "Checkpoints", "Drift", "JSON", "Randomness", "Settings"]),
        room(
            "Serving", "Collector",
            [
                "Windows", "Kubernetes", "Telemetry", "JSON", "HTTP", "Settings", "Monitoring", "Responses",
                hummingbird,
                nioCore, serviceLifecycle, logging, coreMetrics,
            ]),

        room("Serving", "AnomalyDetection", ["Randomness", "Settings"]),
        room("Serving", "Drift", ["Settings"]),

        // Experiments: agents in environments, trained and compared
        room(
            "Experiments", "TrainingRuns",
            [
                "Learning", "NeuralNetworks", "Checkpoints", "Processes", "ONNX", "Baselines", "Prediction", "Live",
                "Simulator", "Cluster", "Gym", "Randomness", "Settings", logging,
            ]),
        room(
            "Experiments", "Tournaments",
            [
                "TrainingRuns", "Learning", "Checkpoints", "Baselines", "Live", "Simulator", "Workloads", "Cluster",
                "Gym", "Randomness", "Settings",
            ]),

        .executableTarget(
            name: "berth",
            dependencies: [
                "TrainingRuns", "Tournaments",
                "Randomness", "Settings", "Gym", "Cluster", "Workloads", "Simulator", "LoadGeneration", "Live",
                "Watching",
                "Windows", "Calibration", "LinearAlgebra", "NeuralNetworks", "Checkpoints", "Processes", "Learning",
                "ONNX",
                "Baselines", "Extender", "Collector", "Monitoring", "Prediction", "PredictionAPI", "AnomalyDetection",
                "Forecasting",
                argumentParser, logging, metrics,
            ],
            path: "Sources/berth", swiftSettings: strict),

        // Follows a cluster and says how much memory that takes; the tests run it beside themselves.
        .executableTarget(
            name: "FollowCluster", dependencies: ["Kubernetes", "Randomness", logging],
            path: "Benchmarks/FollowCluster", swiftSettings: strict),

        // Says which kernels multiply in its process; the tests run it with other environments.
        .executableTarget(
            name: "ShowKernels", dependencies: ["LinearAlgebra"], path: "Tests/ShowKernels", swiftSettings: strict),

        // What several test targets start.
        .target(
            name: "TestServers", dependencies: ["HTTP", "Telemetry"], path: "Tests/TestServers", swiftSettings: strict),
        // Snapshots put together by hand.
        .target(
            name: "TestClusters", dependencies: ["Windows", "Cluster"], path: "Tests/TestClusters",
            swiftSettings: strict),
        tests("Randomness"),
        tests("Settings"),
        tests("Gym", ["Randomness", "TestServers"]),
        tests("Windows"),
        tests("Cluster", ["TestClusters", "Windows", "Randomness", "Gym", "Simulator", "Workloads"]),
        tests("Workloads", ["Randomness", "Settings"]),
        tests(
            "Simulator",
            ["TestClusters", "Windows", "Cluster", "Gym", "Workloads", "Randomness", "Settings", "Baselines"],
            exclude: ["Fixtures"]),
        tests("JSON"),
        tests("Kubernetes", ["HTTP", "JSON", "Randomness", "FollowCluster", logging], exclude: ["Fixtures"]),
        tests(
            "Telemetry", ["Windows", "Cluster", "HTTP", "JSON", "Settings", "TestServers"],
            exclude: ["Fixtures", "README.md"]),
        tests(
            "Watching",
            [
                "Windows", "Cluster", "Kubernetes", "JSON", "Telemetry", "Randomness", "Settings", "TestServers",
                logging,
            ]),
        tests(
            "Live",
            [
                "Watching", "Windows", "Cluster", "JSON", "LoadGeneration", "Settings", "Telemetry", "TestServers",
                logging,
            ]),
        tests("Calibration", ["Live", "Watching", "Windows", "Simulator", "Workloads", "Settings"]),
        tests("LoadGeneration", ["Workloads", "Randomness", "Settings"]),
        tests("LinearAlgebra", ["COpenBLAS", "ShowKernels", "TestServers"]),
        tests("NeuralNetworks", ["LinearAlgebra", "Randomness", "Gym"]),
        tests("Checkpoints", ["TestServers"]),
        tests("Processes"),
        tests(
            "Learning",
            [
                "TestClusters", "Windows", "NeuralNetworks", "LinearAlgebra", "Checkpoints", "Cluster", "Gym",
                "Randomness", "Simulator",
            ]),
        tests(
            "ONNX",
            [
                "NeuralNetworks", "LinearAlgebra", "Checkpoints", "Learning", "Cluster", "Gym", "Randomness",
                "TestServers",
            ]),
        tests("Baselines", ["TestClusters", "Windows", "Cluster", "Gym", "Randomness"]),
        tests("Forecasting", ["Randomness", "TestServers"], exclude: ["Fixtures"]),
        tests("Monitoring", ["Telemetry", coreMetrics]),
        tests("Responses", ["JSON", hummingbird, hummingbirdTesting, nioCore, logging]),
        tests(
            "Prediction",
            ["TestClusters", "Windows", "Cluster", "Checkpoints", "Randomness", "Simulator", "TestServers"]),
        tests(
            "PredictionAPI",
            [
                "Prediction", "Drift", "Randomness", "JSON", "Monitoring", "TestServers", hummingbird,
                hummingbirdTesting, nioCore, nioPosix, logging,
            ], exclude: ["triton.py"]),
        tests(
            "Extender",
            [
                "TestClusters", "Watching", "Windows", "Cluster", "Kubernetes", "Monitoring", "Prediction", "Telemetry",
                "JSON", "Randomness", "TestServers", hummingbird, hummingbirdTesting, nioCore, logging,
            ], exclude: ["Fixtures"]),
        tests(
            "Collector",
            [
                "Windows", "HTTP", "Kubernetes", "Settings", "Telemetry", "TestServers", hummingbird,
                hummingbirdTesting,
                nioCore, logging,
            ]),
        tests("AnomalyDetection", ["Randomness", "TestServers"]),
        tests("Drift", ["Randomness", "TestServers"]),
        tests("TrainingRuns", ["Checkpoints", "Learning", "Processes", "Settings"]),
        tests("Tournaments", ["TrainingRuns", "Baselines", "Cluster", "Live", "Randomness", "Simulator"]),
        // Shell scripts, with the commands they call replaced by replies from files.
        .testTarget(
            name: "ScriptsTests", path: "Tests/ScriptsTests", exclude: ["Fixtures"], swiftSettings: strict),
        // The command line and the real cluster, from outside: runs the built `berth`.
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "berth", "Live", "Watching", "Windows", "Telemetry", "LoadGeneration", "Cluster", "Baselines", "Gym",
                "JSON",
                "Randomness", "Workloads",
                "Settings", "TestServers", logging,
            ],
            path: "Tests/IntegrationTests", exclude: ["bodies.py"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
