internal import Glibc
public import RotationModel

/// A local stand-in for an InfluxDB Cloud Dedicated cluster, over HTTP on a loopback address.
///
/// One port serves the Management API under `/api/v0`, the data endpoints `/query` and `/api/v2/write`, and
/// the admin endpoints under `/sandbox/`. Everything is in memory. `docs/sandbox.md` describes it.
public final class SandboxServer: Sendable {
  /// The port that it listens on, which is a free one when 0 was asked for.
  public let port: UInt16
  /// `http://127.0.0.1:PORT`, without a slash at its end: the data endpoints' host.
  public let url: String
  /// What to use as the management URL: `url` and `/api/v0`.
  public var managementURL: String { url + "/api/v0" }
  /// What every chance was drawn from; the same seed and requests give the same run.
  public let seed: UInt64

  private let daemon: HTTPDaemon

  private init(port: UInt16, url: String, seed: UInt64, daemon: HTTPDaemon) {
    self.port = port
    self.url = url
    self.seed = seed
    self.daemon = daemon
  }

  deinit { stop() }

  /// Starts listening and returns when requests are served.
  ///
  /// `clock` replaces this machine's clock, on top of which `clockSkew` is added; it is called on the
  /// server's thread, with times that must not run backwards. Throws `SandboxError`: `badOption`,
  /// `notLoopback` or `cannotListen`.
  public static func start(
    _ options: SandboxOptions, clock: (@Sendable () -> Instant)? = nil
  ) throws(SandboxError) -> SandboxServer {
    try options.validate()
    let address = try LoopbackAddress(options.address, port: options.port)
    var system = SystemRandomNumberGenerator()
    let seed = options.seed ?? system.next()
    let service = SandboxService(options, seed: seed)
    let clock = clock ?? { systemTime() }
    let skew = options.clockSkew
    let daemon = HTTPDaemon(service: service, clock: { clock() + skew })
    let port = try daemon.start(on: address, port: options.port)
    return SandboxServer(
      port: port, url: "http://\(address.host):\(port)", seed: seed, daemon: daemon)
  }

  /// Closes every connection, waits for the server's threads and may be called again.
  public func stop() {
    daemon.stop()
  }

  private static func systemTime() -> Instant {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Instant(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
  }
}
