import ArgumentParser
import Settings

/// `--config FILE --set key=value …`
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The configuration, a YAML file.", valueName: "file"))
    var config: String

    @Option(
        name: .long, parsing: .singleValue,
        help: ArgumentHelp(
            "Override one setting, as in --set environment.intervals=30 or --set nodes[0].cpu=4. May be repeated.",
            valueName: "key=value"))
    var set: [String] = []

    /// Reads the file as a configuration of the given type.
    func load<Value: Configurable>(_ type: Value.Type) throws(SettingsError) -> Value {
        try Value.load(from: config, overrides: set)
    }
}
