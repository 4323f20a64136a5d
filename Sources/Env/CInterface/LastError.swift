import Foundation

/// The text of the last error on each thread, as C code expects it.
enum LastError {
    /// Each thread's text is memory of `strdup`, which the end of the thread frees.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key) { free($0) }
        return key
    }()

    /// Replaces the calling thread's text.
    static func set(_ text: String) {
        let before = pthread_getspecific(key)
        pthread_setspecific(key, strdup(text))
        free(before)
    }

    /// The calling thread's text; `nil` when there was no error. It is valid until the next one on this thread.
    static var text: UnsafePointer<CChar>? {
        guard let text = pthread_getspecific(key) else { return nil }
        return UnsafePointer(text.assumingMemoryBound(to: CChar.self))
    }
}

/// What a caller of the C interface did wrong.
struct InterfaceError: Error, CustomStringConvertible {
    /// What was wrong, what was expected and what to do.
    let description: String

    init(_ description: String) { self.description = description }
}
