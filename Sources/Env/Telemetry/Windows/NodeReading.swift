/// What a source said of a node at some moment: the input of `WindowAssembler`.
public enum NodeReading: Sendable, Equatable {
    /// A scrape of the node's cadvisor, read with the cgroup that stands for the node.
    case cadvisor(CadvisorScrape)
    /// A reading of the machine's counters.
    case machine(MachineReading)
    /// A whole window of PCM.
    case pcm(PCMFigures)
    /// PCM's counters since its server started, and when they were read, in seconds since 1970.
    case pcmSinceStart(PCMCounters, time: Double)
}

extension WindowAssembler {
    /// Takes in a reading of any kind.
    public mutating func add(_ reading: NodeReading) {
        switch reading {
        case .cadvisor(let scrape): add(scrape)
        case .machine(let reading): add(reading)
        case .pcm(let window): add(window)
        case .pcmSinceStart(let counters, let time): add(sinceStart: counters, time: time)
        }
    }
}
