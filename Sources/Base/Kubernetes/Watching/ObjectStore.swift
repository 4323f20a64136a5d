import Synchronization

/// What changed in a store.
public enum ObjectChange<Object: APIObject>: Sendable {
    /// An object that was not there.
    case added(Object)
    /// A newer version of an object.
    case updated(from: Object, to: Object)
    /// The last known version of an object that is gone.
    case removed(Object)
}

/// The objects of a collection as a reflector last saw them. Safe to read from any thread.
public final class ObjectStore<Object: APIObject>: Sendable {
    private struct Contents {
        var objects: [String: Object] = [:]
        var hasSynced = false
    }

    private let contents = Mutex(Contents())
    private let onChange: @Sendable (ObjectChange<Object>) -> Void

    /// An empty store.
    /// - Parameter onChange: called for each change, in order and one at a time, after the store holds it, on the
    ///   reflector's task: it must be quick.
    public init(onChange: @escaping @Sendable (ObjectChange<Object>) -> Void = { _ in }) {
        self.onChange = onChange
    }

    /// Whether the store has held a complete list since it was made.
    public var hasSynced: Bool { contents.withLock { $0.hasSynced } }

    /// How many objects there are.
    public var count: Int { contents.withLock { $0.objects.count } }

    /// All objects, by key ("namespace/name" or name). Constant time; but while the result is kept, the next change
    /// copies the whole dictionary.
    public var objects: [String: Object] { contents.withLock { $0.objects } }

    /// The object of a key, or `nil`.
    public subscript(key: String) -> Object? { contents.withLock { $0.objects[key] } }

    /// Makes `items` the contents; what they lack counts as removed.
    func replace(with items: [Object]) {
        let changes = contents.withLock { contents in
            var changes: [ObjectChange<Object>] = []
            var fresh: [String: Object] = [:]
            fresh.reserveCapacity(items.count)
            for item in items { fresh[item.key] = item }
            for (key, old) in contents.objects where fresh[key] == nil { changes.append(.removed(old)) }
            for item in items {
                if let old = contents.objects[item.key] {
                    if old.metadata.uid != item.metadata.uid {
                        changes += [.removed(old), .added(item)]
                    } else if old.metadata.resourceVersion != item.metadata.resourceVersion {
                        changes.append(.updated(from: old, to: item))
                    }
                } else {
                    changes.append(.added(item))
                }
            }
            contents.objects = fresh
            contents.hasSynced = true
            return changes
        }
        changes.forEach(onChange)
    }

    /// Takes in a version of an object.
    func put(_ object: Object) {
        let old = contents.withLock { contents in
            contents.objects.updateValue(object, forKey: object.key)
        }
        guard let old else { return onChange(.added(object)) }
        if old.metadata.uid == object.metadata.uid {
            onChange(.updated(from: old, to: object))
        } else {
            onChange(.removed(old))
            onChange(.added(object))
        }
    }

    /// Drops an object.
    func remove(_ object: Object) {
        let old = contents.withLock { $0.objects.removeValue(forKey: object.key) }
        if old != nil { onChange(.removed(object)) }
    }
}
