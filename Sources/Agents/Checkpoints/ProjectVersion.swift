/// The version of this project, as `berth --version` prints it and checkpoints record it.
public enum ProjectVersion {
    /// Semantic version.
    public static let current = "0.1.0"
}
