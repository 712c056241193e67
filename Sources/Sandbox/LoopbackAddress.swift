internal import Glibc

/// An address that only this machine reaches.
struct LoopbackAddress {
  private var ipv4 = sockaddr_in()
  private var ipv6 = sockaddr_in6()
  let isIPv6: Bool
  /// As it stands in a URL.
  let host: String

  /// Throws `SandboxError` with code `notLoopback` for anything but `localhost`, 127.0.0.0/8 and `::1`.
  init(_ text: String, port: UInt16) throws(SandboxError) {
    let numeric = text == "localhost" ? "127.0.0.1" : text
    ipv4.sin_family = sa_family_t(AF_INET)
    ipv4.sin_port = port.bigEndian
    ipv6.sin6_family = sa_family_t(AF_INET6)
    ipv6.sin6_port = port.bigEndian
    if inet_pton(AF_INET, numeric, &ipv4.sin_addr) == 1,
      UInt32(bigEndian: ipv4.sin_addr.s_addr) >> 24 == 127
    {
      isIPv6 = false
      host = numeric
    } else if numeric == "::1", inet_pton(AF_INET6, numeric, &ipv6.sin6_addr) == 1 {
      isIPv6 = true
      host = "[::1]"
    } else {
      throw SandboxError(
        .notLoopback, "the sandbox does not listen on '\(text.prefix(100))'",
        hint: "it has no passwords worth the name: use 127.0.0.1, another 127.x.y.z, ::1 or localhost")
    }
  }

  func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
    if isIPv6 {
      withUnsafePointer(to: ipv6) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
      }
    } else {
      withUnsafePointer(to: ipv4) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0) }
      }
    }
  }
}
