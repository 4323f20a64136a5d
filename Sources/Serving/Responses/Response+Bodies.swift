public import Hummingbird
import NIOCore

extension Response {
    /// A reply of JSON text.
    public static func json(_ status: HTTPResponse.Status, _ bytes: [UInt8]) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// A reply of text, plain unless `type` says what it is.
    public static func text(
        _ status: HTTPResponse.Status, _ text: String, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// A page of metrics in Prometheus' text format.
    public static func metrics(_ text: String) -> Response {
        .text(.ok, text, type: "text/plain; version=0.0.4; charset=utf-8")
    }
}
