extension PredictionFeature {
    /// What the feature can be at all; anything else is an error, of units most likely. Usage may exceed what is
    /// allocatable: the node keeps some for itself.
    public var limits: ClosedRange<Double> {
        switch self {
        case .cpuUsed, .memoryUsed, .memoryBandwidth, .neighbourCPU: 0...10
        case .cacheMissRatio: 0...1
        case .instructionsPerCycle: 0...16
        case .cpuRequested, .memoryRequested, .neighbourRequested: 0...100
        case .pods, .replicas, .replicaRequest, .replicaLimit, .replicaCPU, .cpuPerRequest: 0...10_000
        case .replicaRate, .replicaUtilization: 0...1e7
        case .cpuUsedChange: -10...10
        case .rateChange: -64...64
        case .p99Before, .p99Elsewhere: 0...3600
        case .backlog: -1...1e7
        case .neighbourRisk: 0...1e9
        }
    }
}
