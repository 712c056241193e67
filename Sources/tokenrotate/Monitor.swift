import HTTPClient
import JobFiles
import Reporting
import RotationPorts

/// A service that expects a sign of life from each run, as healthchecks.io takes it
/// (https://healthchecks.io/docs/http_api/): `URL/start`, then `URL` for a success or `URL/CODE` for a failure.
///
/// Whoever knows the URL can send such signs, so that it is a secret: it is in no message, and may come from a file.
struct Monitor {
  private let url: Secret
  private let client: HTTPClient
  private let clock: SystemClock

  /// How long one sign may take, and how often the last one is tried: a run without it would look like one that died.
  private static let timeout: Duration = .seconds(10)
  private static let attempts = 3

  enum Sign {
    case start
    case end(ExitCode)
  }

  /// `text`: the URL, or `@FILE` for a file that holds it. Throws `Problem` for a file that cannot be read.
  init(_ text: String, clock: SystemClock) throws {
    self.clock = clock
    do throws(FileError) {
      url = text.hasPrefix("@") ? try SecretFile.read(String(text.dropFirst())) : Secret(Array(text.utf8))
    } catch {
      throw Problem(code: "bad_input", message: "--ping: \(error.message)", hint: error.hint)
    }
    client = try HTTPClient(configuration: HTTPClientConfiguration())
  }

  /// Sends the sign; returns what a person should know when it did not arrive. Throws `Problem` when the URL cannot be
  /// one, before anything was sent.
  func send(_ sign: Sign) async throws(Problem) -> Problem? {
    var attempts = 1
    if case .end = sign { attempts = Monitor.attempts }
    var failure: Problem?
    for attempt in 1...attempts {
      if attempt > 1 { try? await clock.sleep(for: .seconds(attempt - 1)) }
      do throws(HTTPError) {
        let answer = try await client.send(HTTPRequest(.get, url(of: sign), timeout: Monitor.timeout))
        if (200..<300).contains(answer.status) { return nil }
        failure = Monitor.warning("it answered \(answer.status)")
        // What was refused is refused again.
        if answer.status < 500, answer.status != 429 { return failure }
      } catch {
        switch error.code {
        case .badURL, .insecureURL:
          throw Problem(
            code: "bad_input", message: "--ping: \(error.message)",
            hint: "write the URL that the monitor shows, or @FILE for a file that holds it")
        default: failure = Monitor.warning("\(error.message)")
        }
      }
    }
    return failure
  }

  private func url(of sign: Sign) -> String {
    let base = url.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    let trimmed = base.hasSuffix("/") ? String(base.dropLast()) : base
    return switch sign {
    case .start: trimmed + "/start"
    case .end(let code) where code.isSuccess: trimmed
    case .end(let code): trimmed + "/\(code.rawValue)"
    }
  }

  private static func warning(_ what: String) -> Problem {
    Problem(
      code: "ping", message: "the monitor of --ping was not reached: \(what)",
      hint: "the run itself is not affected; without a sign the monitor will raise an alarm")
  }
}
