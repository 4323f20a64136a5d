/// What a source said of a node at some moment: the input of `WindowAssembler`.
public enum NodeReading: Sendable, Equatable, Codable {
    /// What cadvisor read of the cgroup that stands for the node.
    case cadvisor(UsageReading)
    /// A reading of the machine's counters.
    case machine(MachineReading)
    /// A whole window of PCM.
    case pcm(PCMFigures)
    /// PCM's counters since its server started, as sums over the sockets, and when they were read, in seconds since 1970.
    case pcmSinceStart([PCMQuantity: Double], time: Double)
}
