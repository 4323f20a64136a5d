extension ObservationEncoder {
    /// Writes the flat observation of `decision` in `snapshot`.
    ///
    /// Cost: O(pods + width of the view), without allocation once warm.
    /// - Precondition: the snapshot fits into the view, and `observation` has its width.
    mutating func encode(
        _ decision: Decision, in snapshot: ClusterSnapshot, view: FlatView, into observation: inout MutableSpan<Float>
    ) {
        let layout = view.layout
        precondition(observation.count == layout.width, "an observation of \(layout.width) values")
        for index in observation.indices { observation[index] = 0 }
        count(snapshot, for: decision)
        let scale = ClusterScale(snapshot)
        encodeServices(snapshot, scale)
        observation.withUnsafeMutableBufferPointer { all in
            var context = all.extracting(0..<layout.nodeRows).mutableSpan
            encodeContext(decision, snapshot, scale, into: &context)
            var nodes = all.extracting(layout.nodeRows..<layout.serviceRows).mutableSpan
            encodeNodes(snapshot, scale, into: &nodes)
        }
        for index in serviceRows.indices { observation[layout.serviceRows + index] = serviceRows[index] }
        for node in snapshot.nodes.indices { observation[layout.nodeFlags + node] = 1 }
        for service in snapshot.services.indices { observation[layout.serviceFlags + service] = 1 }
        encodeReplicas(snapshot, layout, into: &observation)
        guard case .placement(let podIndex) = decision.kind else { return }
        let pod = snapshot.pods[podIndex]
        if let service = pod.service { observation[layout.placedFlags + service] = 1 }
        for action in decision.candidates {
            guard case .place(_, let node) = action else { continue }
            var cursor = FeatureCursor(position: layout.placements + node * FlatView.Layout.placementWidth)
            cursor.put(1, into: &observation)
            cursor.put(
                snapshot.nodes[node], changedBy: pod, sign: 1, usage: pod.requests.cpu, into: &observation)
        }
    }

    /// Counts every service's bound replicas on every node, terminating ones too, as the candidates' features do.
    private func encodeReplicas(
        _ snapshot: ClusterSnapshot, _ layout: FlatView.Layout, into observation: inout MutableSpan<Float>
    ) {
        for pod in snapshot.pods {
            guard let service = pod.service, let node = pod.node else { continue }
            observation[layout.replicas + service * layout.nodes + node] += 1
        }
        for (index, service) in snapshot.services.enumerated() {
            let desired = Double(max(1, service.replicas))
            for node in snapshot.nodes.indices {
                let position = layout.replicas + index * layout.nodes + node
                let count = Double(observation[position])
                var cursor = FeatureCursor(position: position)
                cursor.put(count / desired, into: &observation)
            }
        }
    }
}
