import Foundation
import Live

/// A service with one Deployment, `web`, of 0.15 cores a replica.
func webService() throws -> LiveServiceSettings {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("web-\(UUID().uuidString).yaml")
    try """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, annotations: {berth.dev/latency-objective: 100ms}}
    spec:
      selector: {matchLabels: {app: web}}
      template:
        metadata: {labels: {app: web}}
        spec: {containers: [{name: nginx, image: nginx, resources: {requests: {cpu: 150m}}}]}
    """.write(to: file, atomically: true, encoding: .utf8)
    var service = LiveServiceSettings()
    service.manifest = file.path
    return service
}
