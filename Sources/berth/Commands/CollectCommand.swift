import ArgumentParser
import Collector

/// `berth collect`
struct CollectCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "collect", abstract: "Measures nodes over windows of 20 s.",
        discussion: """
            Serves POST /collect, GET /metrics/window?node=NAME, /metrics, /healthz and /readyz until SIGTERM. Sources \
            are the kernel and Intel PCM of the machine it runs on, and over the network the kubelets' cadvisor and a \
            Prometheus server. Logs go to standard error.
            """)

    @OptionGroup var options: ConfigurationOptions
    @OptionGroup var serving: ServingOptions

    mutating func run() async throws {
        let settings = try options.load(CollectorSettings.self)
        let sources = try CollectorServer.sources(settings)
        let (registry, logger) = serving.start()
        try await CollectorServer(settings: settings, sources: sources, registry: registry, logger: logger).run()
    }
}
