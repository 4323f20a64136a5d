import Cluster
import Foundation
import Gym
import Settings

// The functions of python/include/berthenv.h, which documents them. Each checks what it is given and returns an error
// where Swift would trap.

/// What functions of the interface return beside values.
private enum Status {
    static let success: Int32 = 0
    static let failure: Int32 = 1
    static let illegalAction: Int32 = 2
}

private enum Limit {
    static let settings: Int64 = 1 << 24
    static let environments: Int64 = 1 << 16
}

private enum StepFlag {
    static let autoreset: Int32 = 1
    static let replaceIllegal: Int32 = 2
}

/// Runs `body`; an error becomes the thread's last one and the result `failure`.
private func reporting<Value>(_ failure: Value, _ body: () throws -> Value) -> Value {
    do {
        return try body()
    } catch {
        LastError.set("\(error)")
        return failure
    }
}

/// Runs `body` and says how it went.
private func status(_ body: () throws -> Void) -> Int32 {
    do {
        try body()
        return Status.success
    } catch let error as IllegalAction {
        LastError.set(error.description)
        return Status.illegalAction
    } catch {
        LastError.set("\(error)")
        return Status.failure
    }
}

private func required<Pointer>(_ pointer: Pointer?, _ name: String) throws -> Pointer {
    guard let pointer else { throw InterfaceError("\(name) is NULL") }
    return pointer
}

/// Version of the interface: changes when a caller has to.
@_cdecl("berth_env_interface_version")
public func interfaceVersion() -> Int32 { 1 }

/// The last error of the calling thread.
@_cdecl("berth_env_last_error")
public func lastError() -> UnsafePointer<CChar>? { LastError.text }

/// Makes environments and returns their handle, 0 for an error.
@_cdecl("berth_env_create")
public func createEnvironments(
    _ settings: UnsafePointer<CChar>?, _ length: Int64, _ folder: UnsafePointer<CChar>?, _ count: Int64
) -> Int64 {
    reporting(0) {
        guard length >= 0, length <= Limit.settings else {
            throw InterfaceError("the settings are \(length) bytes long, expected 0 to \(Limit.settings)")
        }
        guard count >= 1, count <= Limit.environments else {
            throw InterfaceError("\(count) environments, expected 1 to \(Limit.environments)")
        }
        var yaml = ""
        if length > 0 {
            let bytes = Data(bytes: try required(settings, "settings"), count: Int(length))
            guard let text = String(data: bytes, encoding: .utf8) else {
                throw InterfaceError("the settings are not UTF-8 text")
            }
            yaml = text
        }
        var configuration = try InterfaceSettings.decode(yaml: yaml)
        try configuration.readSimulatorFile(from: folder.map { String(cString: $0) } ?? "")
        return HandleTable.shared.insert(try EnvironmentVector(configuration, count: Int(count)))
    }
}

/// Number of environments behind a handle; -1 for an error.
@_cdecl("berth_env_count")
public func environmentCount(_ handle: Int64) -> Int64 {
    reporting(-1) { Int64(try HandleTable.shared.vector(handle).count) }
}

/// Values of an observation; -1 for an error.
@_cdecl("berth_env_observation_width")
public func observationWidth(_ handle: Int64) -> Int64 {
    reporting(-1) { Int64(try HandleTable.shared.vector(handle).view.observationSpace.width) }
}

/// Number of actions; -1 for an error.
@_cdecl("berth_env_action_count")
public func actionCount(_ handle: Int64) -> Int64 {
    reporting(-1) { Int64(try HandleTable.shared.vector(handle).view.actions.count) }
}

/// Writes the bounds of an observation's values.
@_cdecl("berth_env_observation_bounds")
public func observationBounds(
    _ handle: Int64, _ low: UnsafeMutablePointer<Float>?, _ high: UnsafeMutablePointer<Float>?
) -> Int32 {
    status {
        let space = try HandleTable.shared.vector(handle).view.observationSpace
        let low = try required(low, "low")
        let high = try required(high, "high")
        for index in 0..<space.width { (low[index], high[index]) = (space.low[index], space.high[index]) }
    }
}

/// Writes the names of the observation's values, one a line; returns the bytes of all of them, -1 for an error.
@_cdecl("berth_env_feature_names")
public func featureNames(_ handle: Int64, _ text: UnsafeMutablePointer<CChar>?, _ capacity: Int64) -> Int64 {
    reporting(-1) {
        copyLines(try HandleTable.shared.vector(handle).view.featureNames, to: text, capacity)
    }
}

/// Writes the actions in words, one a line; returns the bytes of all of them, -1 for an error.
@_cdecl("berth_env_action_names")
public func actionNames(_ handle: Int64, _ text: UnsafeMutablePointer<CChar>?, _ capacity: Int64) -> Int64 {
    reporting(-1) {
        copyLines(try HandleTable.shared.vector(handle).view.actions.map(\.description), to: text, capacity)
    }
}

/// As `snprintf`: at most `capacity` bytes, the last a 0.
private func copyLines(_ lines: [String], to text: UnsafeMutablePointer<CChar>?, _ capacity: Int64) -> Int64 {
    let bytes = Array(lines.joined(separator: "\n").utf8)
    if let text, capacity > 0 {
        let count = min(bytes.count, Int(capacity) - 1)
        for index in 0..<count { text[index] = CChar(bitPattern: bytes[index]) }
        text[count] = 0
    }
    return Int64(bytes.count)
}

/// Starts an episode in each environment.
@_cdecl("berth_env_reset")
public func resetEnvironments(
    _ handle: Int64, _ seeds: UnsafePointer<Int64>?, _ observations: UnsafeMutablePointer<Float>?,
    _ masks: UnsafeMutablePointer<UInt8>?
) -> Int32 {
    status {
        try HandleTable.shared.vector(handle).reset(
            seeds: seeds, observations: try required(observations, "observations"),
            masks: try required(masks, "masks"))
    }
}

/// Steps each environment.
@_cdecl("berth_env_step")
public func stepEnvironments(
    _ handle: Int64, _ actions: UnsafePointer<Int64>?, _ flags: Int32,
    _ observations: UnsafeMutablePointer<Float>?, _ rewards: UnsafeMutablePointer<Double>?,
    _ terminated: UnsafeMutablePointer<UInt8>?, _ truncated: UnsafeMutablePointer<UInt8>?,
    _ masks: UnsafeMutablePointer<UInt8>?, _ elapsed: UnsafeMutablePointer<Double>?,
    _ replaced: UnsafeMutablePointer<UInt8>?, _ finalObservations: UnsafeMutablePointer<Float>?,
    _ finalMasks: UnsafeMutablePointer<UInt8>?
) -> Int32 {
    status {
        let known = StepFlag.autoreset | StepFlag.replaceIllegal
        guard flags & ~known == 0 else { throw InterfaceError("the flags \(flags) hold one that does not exist") }
        let memory = EnvironmentVector.StepMemory(
            observations: try required(observations, "observations"), rewards: try required(rewards, "rewards"),
            terminated: try required(terminated, "terminated"), truncated: try required(truncated, "truncated"),
            masks: try required(masks, "masks"), elapsed: elapsed, replaced: replaced,
            finalObservations: finalObservations, finalMasks: finalMasks)
        let options = EnvironmentVector.StepOptions(
            resetsEnded: flags & StepFlag.autoreset != 0, replacesIllegal: flags & StepFlag.replaceIllegal != 0)
        try HandleTable.shared.vector(handle).step(try required(actions, "actions"), options, into: memory)
    }
}

/// Removes the environments of a handle; one that stands for nothing is left alone.
@_cdecl("berth_env_close")
public func closeEnvironments(_ handle: Int64) -> Int32 {
    HandleTable.shared.remove(handle)
    return Status.success
}
