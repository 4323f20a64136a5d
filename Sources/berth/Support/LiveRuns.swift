import Cluster
import Foundation
import Live
import Logging

/// Live clusters as the commands use them.
enum LiveRuns {
    /// A live cluster that an interruption breaks off.
    static func cluster(_ settings: LiveSettings) throws -> LiveCluster {
        var logger = Logger(label: "live") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        return try LiveCluster(settings: settings, logger: logger) { Interruption.signalNumber != nil }
    }

    /// Runs `body` with a live cluster and removes what was made for it, whatever comes of it.
    static func withCluster<Value>(_ settings: LiveSettings, _ body: (LiveCluster) throws -> Value) throws -> Value {
        let backend = try cluster(settings)
        do {
            let value = try body(backend)
            try backend.close()
            return value
        } catch {
            do { try backend.close() } catch let second { CommandFailure.warn("not everything was removed: \(second)") }
            throw error
        }
    }
}

extension LiveSettings {
    /// Makes the manifests' paths absolute; they start from the folder of the configuration that names them. A run
    /// that is resumed reads them from a configuration in another folder.
    mutating func resolvePaths(besides configuration: String) {
        for index in services.indices where !services[index].manifest.isEmpty {
            let path = SimulatorFile.path(services[index].manifest, besides: configuration)
            services[index].manifest = URL(filePath: path).path
        }
    }
}
