import Baselines
import Cluster
import Learning

/// A policy to evaluate, under the name that the table gives it.
struct Contender: Sendable {
    /// Name in the table.
    let name: String
    /// Whether pods are placed as the default scheduler does; on a live cluster that scheduler itself places them.
    var usesDefaultScheduler: Bool { name.hasPrefix("default") }
    /// What a trained policy read that its training never saw: one count for all its rows. `nil` for baselines, and
    /// where nothing is known of that.
    var unfamiliarInputs: UnfamiliarInputs?
    /// A new copy of the policy.
    let make: @Sendable () throws -> any Policy

    /// A baseline.
    static func baseline(_ name: String, _ settings: BaselineSettings) throws -> Contender {
        guard BaselineCatalog.names.contains(name) else {
            throw CommandFailure.unknown("baseline", name, among: BaselineCatalog.names, plural: "baselines")
        }
        return Contender(name: name) { try BaselineCatalog.policy(named: name, settings) }
    }

    /// The default scheduler with the HPA at another target.
    static func autoscaler(target: Double, _ settings: BaselineSettings) -> Contender {
        var settings = settings
        settings.autoscaler.targetUtilization = target
        return Contender(name: "\(EvaluateCommand.reference) at \(Figures.short(target))") { [settings] in
            try BaselineCatalog.policy(named: EvaluateCommand.reference, settings)
        }
    }

    /// The default scheduler with the HPA, where no pod goes to a node whose predicted risk is over the limit.
    static func riskLimited(_ settings: BaselineSettings, _ predictor: PolicyPredictor) -> Contender {
        let limit = predictor.riskLimit.map(Figures.short) ?? "any"
        return Contender(name: "\(EvaluateCommand.reference), risk <= \(limit)") {
            try BaselineCatalog.policy(named: EvaluateCommand.reference, settings).limited(by: predictor.placement)
        }
    }

    /// The rows of what `--policy` names: a baseline, or a trained policy that decides everything, and placing alone,
    /// through the scheduler's eyes, while the HPA scales.
    static func named(
        _ name: String, _ settings: BaselineSettings, extenderWeight: Int
    ) throws -> [Contender] {
        if BaselineCatalog.names.contains(name) { return [try baseline(name, settings)] }
        let loaded: LoadedPolicy
        do {
            loaded = try ServeCommand.loadPolicy(name)
        } catch let failure as CommandFailure {
            let names = BaselineCatalog.names.joined(separator: ", ")
            throw CommandFailure.usage(failure.message, hint: "name a run folder, a checkpoint or a baseline: \(names)")
        }
        let (policy, unfamiliarInputs) = (loaded.policy, loaded.unfamiliarInputs)
        return [
            Contender(name: "policy", unfamiliarInputs: unfamiliarInputs) { policy },
            Contender(name: "policy places, hpa scales", unfamiliarInputs: unfamiliarInputs) {
                let served = ServedPlacement(
                    policy, plugins: try BaselineCatalog.placement(named: "default", settings), weight: extenderWeight)
                return CompositePolicy(placement: served, control: try BaselineCatalog.control(named: "hpa", settings))
            },
        ]
    }
}
