// Says which kernels multiply in a process with this one's environment; tests run it with other ones. With an argument,
// also which ones a measurement goes through before.
import LinearAlgebra

if CommandLine.arguments.count > 1 {
    _ = KernelSet.shortest {
        print(KernelSet.current.name)
        return 1
    }
}
print(KernelSet.current.name)
print(KernelSet.current)
