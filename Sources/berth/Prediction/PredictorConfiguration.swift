import Prediction
import Settings

/// What `berth predict train` reads from its configuration file.
struct PredictorConfiguration: Configurable, Equatable {
    /// Data sets, as `berth predict record` writes them; paths start from the working folder.
    var datasets: [String] = []
    /// Share of the episodes that neither training nor cross-validation sees.
    var heldOut = 0.25
    /// Decides which those are.
    var splitSeed: UInt64 = 0
    /// How the trees are grown.
    var predictor = PredictorSettings()

    func validate() throws(SettingsError) {
        try require("datasets", notEmpty: datasets)
        try require("heldOut", heldOut, in: 0.01...0.9)
        try require("splitSeed", splitSeed, in: 0...UInt64(Int64.max))
    }
}
