public import Baselines
public import Cluster
import Foundation
public import Learning
public import Live
public import TrainingRuns

/// A policy to evaluate, under the name that the table gives it.
public struct Contender: Sendable {
    /// The baseline that all others are compared with.
    public static let reference = Baseline(.defaultScheduler, .hpa)

    /// Name in the table.
    public let name: String
    /// Who places the pods on a live cluster: where the default scheduler is compared, that scheduler itself and not
    /// our account of it; otherwise whoever the cluster's configuration says. In simulations the policy does.
    public let placement: PlacementOwner
    /// What a trained policy read that its training never saw: one count for all its rows. `nil` for baselines, and
    /// where nothing is known of that.
    public let unfamiliarInputs: UnfamiliarInputs?
    /// A new copy of the policy.
    public let make: @Sendable () throws -> any Policy

    private init(
        name: String, placement: PlacementOwner, unfamiliarInputs: UnfamiliarInputs? = nil,
        make: @escaping @Sendable () throws -> any Policy
    ) {
        (self.name, self.placement, self.unfamiliarInputs, self.make) = (name, placement, unfamiliarInputs, make)
    }

    private init(_ baseline: Baseline, name: String, make: @escaping @Sendable () throws -> any Policy) {
        self.init(
            name: name, placement: baseline.placement == .defaultScheduler ? .defaultScheduler : .environment,
            make: make)
    }

    /// A baseline.
    /// - Throws: `ExperimentError` with the code `unknownName` when there is none of the name.
    public static func baseline(_ name: String, _ settings: BaselineSettings) throws(ExperimentError) -> Contender {
        guard let baseline = try? Baseline(named: name) else {
            throw .unknown("baseline", name, among: Baseline.names, plural: "baselines")
        }
        return Contender(baseline, name: name) { baseline.policy(settings) }
    }

    /// The reference with the HPA at another target.
    public static func autoscaler(target: Double, _ settings: BaselineSettings) -> Contender {
        var settings = settings
        settings.autoscaler.targetUtilization = target
        return Contender(reference, name: "\(reference.name) at \(short(target))") { [settings] in
            reference.policy(settings)
        }
    }

    /// The reference, where no pod goes to a node whose predicted risk is over the limit.
    public static func riskLimited(_ settings: BaselineSettings, _ predictor: PolicyPredictor) -> Contender {
        let limit = predictor.riskLimit.map(short) ?? "any"
        return Contender(reference, name: "\(reference.name), risk <= \(limit)") {
            reference.policy(settings).limited(by: predictor.placement)
        }
    }

    /// The rows of what `--policy` names: a baseline, or a trained policy that decides everything, and placing alone,
    /// through the scheduler's eyes, while the HPA scales.
    /// - Parameters:
    ///   - name: a baseline, a run folder or a checkpoint.
    ///   - settings: of the baselines.
    ///   - extenderWeight: what the scheduler's configuration weighs the extender with.
    /// - Throws: `ExperimentError` with the code `runMissing` for a name of nothing; what `LoadedPolicy` throws.
    public static func named(
        _ name: String, _ settings: BaselineSettings, extenderWeight: Int
    ) throws -> [Contender] {
        if Baseline.names.contains(name) { return [try baseline(name, settings)] }
        let loaded: LoadedPolicy
        do {
            loaded = try LoadedPolicy(name)
        } catch let error as ExperimentError {
            let names = Baseline.names.joined(separator: ", ")
            throw ExperimentError(
                error.code, error.message, hint: "name a run folder, a checkpoint or a baseline: \(names)")
        }
        let (policy, unfamiliarInputs) = (loaded.policy, loaded.unfamiliarInputs)
        return [
            Contender(name: "policy", placement: .environment, unfamiliarInputs: unfamiliarInputs) { policy },
            Contender(
                name: "policy places, hpa scales", placement: .environment, unfamiliarInputs: unfamiliarInputs
            ) {
                let served = ServedPlacement(
                    policy, plugins: Baseline.Placement.defaultScheduler.policy(settings), weight: extenderWeight)
                return CompositePolicy(placement: served, control: Baseline.Control.hpa.policy(settings))
            },
        ]
    }

    /// Four significant digits.
    private static func short(_ value: Double) -> String { String(format: "%.4g", value) }
}
