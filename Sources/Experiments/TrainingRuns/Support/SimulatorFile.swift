public import Settings
public import Simulator

/// Simulator settings in a file of their own, which configurations for training and evaluation share.
public enum SimulatorFile {
    /// The path of a file that a configuration names, which starts from the configuration's own folder.
    public static func path(_ name: String, besides configuration: String) -> String {
        guard !name.hasPrefix("/"), let slash = configuration.lastIndex(of: "/") else { return name }
        var folder = configuration[..<slash].split(separator: "/", omittingEmptySubsequences: false)
        var steps = name.split(separator: "/")[...]
        while steps.first == "..", let last = folder.last, !["", ".", ".."].contains(last) {
            folder.removeLast()
            steps.removeFirst()
        }
        return (folder + steps).joined(separator: "/")
    }

    /// Reads the file into the settings and clears its name, so that the configuration then says everything itself.
    public static func read(
        _ file: inout String, into settings: inout SimulatorSettings, besides configuration: String
    ) throws(SettingsError) {
        guard !file.isEmpty else { return }
        settings = try SimulatorSettings.load(from: path(file, besides: configuration))
        file = ""
    }

    /// Refuses settings that are given both in the configuration and in a file.
    public static func refuseBoth(_ settings: SimulatorSettings, _ file: String) throws(SettingsError) {
        guard !file.isEmpty, settings != SimulatorSettings() else { return }
        throw SettingsError(
            key: "simulatorFile", problem: "is given beside simulator",
            hint: "give one of them; --set simulatorFile= leaves the file out")
    }
}
