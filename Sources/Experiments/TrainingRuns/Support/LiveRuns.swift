import Foundation
public import Live

/// Live clusters as experiments use them.
public enum LiveRuns {
    /// A live cluster that breaks off what it does when the run is cancelled.
    static func cluster(_ settings: LiveSettings, _ control: RunControl) throws -> LiveCluster {
        try LiveCluster(settings: settings, logger: control.logger) { control.isCancelled() }
    }

    /// Runs `body` with a live cluster and removes what was made for it, whatever comes of it.
    /// - Throws: what `body` throws, or else what keeps the cluster from being made or removed.
    public static func withCluster<Value>(
        _ settings: LiveSettings, _ control: RunControl, _ body: (LiveCluster) throws -> Value
    ) throws -> Value {
        let backend = try cluster(settings, control)
        do {
            let value = try body(backend)
            try backend.close()
            return value
        } catch {
            do { try backend.close() } catch let second { control.warn("not everything was removed: \(second)") }
            throw error
        }
    }
}

extension LiveSettings {
    /// Makes the manifests' paths absolute; they start from the folder of the configuration that names them. A run
    /// that is resumed reads them from a configuration in another folder.
    public mutating func resolvePaths(besides configuration: String) {
        for index in services.indices where !services[index].manifest.isEmpty {
            let path = SimulatorFile.path(services[index].manifest, besides: configuration)
            services[index].manifest = URL(filePath: path).path
        }
    }
}
