/// The latency that a service's requests should not exceed, as an annotation of its Deployment or of its pods.
public enum LatencyObjective {
    /// The annotation's name.
    public static let annotation = "berth.dev/latency-objective"

    /// The seconds of a duration such as "100ms" or "1.5s"; `nil` for anything else, and for 0.
    public static func seconds(_ text: String) -> Double? {
        guard let match = text.wholeMatch(of: /([0-9]+(?:\.[0-9]+)?)(ms|s)/), let number = Double(match.1), number > 0
        else { return nil }
        return match.2 == "ms" ? number / 1000 : number
    }
}
