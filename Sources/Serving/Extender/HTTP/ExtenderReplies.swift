import JSON

/// Replies to kube-scheduler, as it reads them.
enum ExtenderReplies {
    /// A HostPriorityList: a bare array. Scores must be whole numbers, or the scheduler drops the whole reply.
    static func prioritize(_ names: [String], _ scores: [Int]) -> [UInt8] {
        var writer = JSONWriter(capacity: names.reduce(2) { $0 + $1.utf8.count + 26 })
        writer.list(names.indices) { writer, index in
            writer.raw("{\"Host\":")
            writer.string(names[index])
            writer.raw(",\"Score\":")
            writer.integer(scores[index])
            writer.raw("}")
        }
        return writer.bytes
    }

    /// An ExtenderFilterResult in the form of the request: names for names, nodes for nodes.
    static func filter(_ arguments: ExtenderArguments, failed: [Int: String]) -> [UInt8] {
        let passed = arguments.nodeNames.indices.filter { failed[$0] == nil }
        let texts = arguments.nodeTexts
        var writer = JSONWriter(capacity: texts?.reduce(256) { $0 + $1.count + 1 } ?? arguments.nodeNames.count * 24)
        if let texts {
            writer.raw("{\"Nodes\":{\"metadata\":{},\"items\":")
            writer.list(passed) { writer, index in writer.raw(texts[index]) }
            writer.raw("},\"NodeNames\":null")
        } else {
            writer.raw("{\"Nodes\":null,\"NodeNames\":")
            writer.list(passed) { writer, index in writer.string(arguments.nodeNames[index]) }
        }
        writer.raw(",\"FailedNodes\":{")
        for (position, index) in failed.keys.sorted().enumerated() {
            if position > 0 { writer.raw(",") }
            writer.string(arguments.nodeNames[index])
            writer.raw(":")
            writer.string(failed[index] ?? "")
        }
        writer.raw("},\"FailedAndUnresolvableNodes\":{},\"Error\":\"\"}")
        return writer.bytes
    }
}
