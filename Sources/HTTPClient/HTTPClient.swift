internal import CCurl
internal import Glibc

/// Sends HTTP requests through libcurl: one thread, connections reused, a bounded number of transfers in
/// flight, HTTP/2 where a server offers it over TLS.
///
/// TLS is 1.2 or newer and always verified. Redirects, proxies of the environment, `.netrc` and cookies are
/// not followed, read or kept.
public final class HTTPClient: Sendable {
  private let driver: Driver

  /// Starts the client's thread.
  ///
  /// - Throws: ``HTTPError`` with ``HTTPError/Code/configuration`` when a file of `configuration.tls` cannot
  ///   be read or the system's libcurl lacks what is needed.
  public init(configuration: HTTPClientConfiguration = HTTPClientConfiguration()) throws(HTTPError) {
    let tls = configuration.tls
    for file in [tls.authorityFile, tls.certificateFile, tls.keyFile] {
      guard let file, access(file, R_OK) != 0 else { continue }
      throw HTTPClient.configurationError(
        "\(file) cannot be read: \(String(cString: strerror(errno)))")
    }
    guard HTTPClient.isLibraryUsable else {
      throw HTTPClient.configurationError(
        "the system's libcurl is older than 7.87, or has no TLS or no asynchronous name lookup",
        "Install libcurl 7.87 or newer with OpenSSL")
    }
    guard let driver = Driver(configuration) else {
      throw HTTPClient.configurationError(
        "no memory or thread is left for the HTTP client", "Check the process's limits")
    }
    self.driver = driver
  }

  deinit {
    driver.stop()
  }

  /// Sends `request` and waits for the whole answer. Any status is an answer.
  ///
  /// - Throws: ``HTTPError``; with ``HTTPError/Code/cancelled`` soon after the task was cancelled.
  public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let started = ContinuousClock.now
    var check = RequestCheck()
    do throws(RequestCheck.Refusal) {
      try check.check(request)
    } catch {
      let operation = "\(request.method.rawValue) \(check.server ?? "(unusable URL)")"
      throw HTTPError(error.code, error.message, operation: operation, started: started)
    }
    let transfer = Transfer(
      request, operation: "\(request.method.rawValue) \(check.server ?? "")", started: started)
    let driver = self.driver
    let outcome = await withTaskCancellationHandler {
      await withCheckedContinuation { driver.submit(transfer, $0) }
    } onCancel: {
      driver.cancel(transfer)
    }
    // The client's end would shut the driver down, so the client must last as long as its requests.
    return try withExtendedLifetime(self) { () throws(HTTPError) -> HTTPResponse in try outcome.get() }
  }

  /// Ends every request, waiting or running, with ``HTTPError/Code/shutDown``, closes all connections and
  /// waits for the thread to end. Later requests are refused with the same code. May be called again.
  public func shutdown() {
    driver.stop()
  }

  /// libcurl's own start, once in the process and never undone.
  private static let isLibraryUsable: Bool = {
    guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK,
      let version = ccurl_version()
    else { return false }
    let needed = CURL_VERSION_SSL | CURL_VERSION_ASYNCHDNS
    return version.pointee.version_num >= 0x07_57_00 && version.pointee.features & needed == needed
  }()

  private static func configurationError(_ message: String, _ hint: String? = nil) -> HTTPError {
    HTTPError(
      code: .configuration, operation: "starting the HTTP client", message: message, hint: hint,
      nothingWasSent: true)
  }
}
