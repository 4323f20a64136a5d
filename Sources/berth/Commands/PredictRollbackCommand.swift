import ArgumentParser
import Prediction

/// `berth predict rollback`
struct PredictRollbackCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Takes the predictor before the present one into use again.",
        discussion: """
            Exchanges the predictor and the one that it took the place of, which lies beside it as FILE.previous; a \
            second call undoes the first. A server that runs takes the change up by itself.
            """)

    @Argument(help: ArgumentHelp("The predictor's file.", valueName: "file"))
    var file: String

    mutating func run() throws {
        print("\(file): \(try PredictorFile(file).rollBack().version) is in use again")
    }
}
