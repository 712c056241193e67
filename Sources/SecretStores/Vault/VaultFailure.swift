internal import HTTPClient
internal import RotationModel
internal import RotationPorts

/// What an answer that is no success means, and what to do about it. What the server says of it is shown only where
/// nothing that we sent could be in it.
struct VaultFailure {
  let settings: VaultSettings
  let path: String
  var capabilities = ""
  var isLogin = false

  private var server: String { settings.unixSocket ?? settings.address }

  func error(_ error: HTTPError) -> StoreError {
    switch error.code {
    case .badURL, .insecureURL, .badHeader, .configuration, .certificate:
      StoreError(.misconfigured, message: "\(server): \(error.message)", hint: "\(error.hint).")
    case .queueFull, .resolve, .connect, .tls, .timeout, .cancelled, .shutDown, .responseTooLarge,
      .resendRefused,
      .connectionLost, .badAnswer, .unknown:
      StoreError(
        .unreachable, message: "\(server) does not answer: \(error.message)",
        hint: "Look whether the server runs and can be reached from here; the next run goes on.")
    }
  }

  func error(_ answer: HTTPResponse) -> StoreError {
    let errors = VaultAnswer.errors(answer.body)
    let words = (errors ?? []).joined(separator: " ").lowercased()
    func unreachable(_ what: String, _ hint: String) -> StoreError {
      StoreError(.unreachable, message: "\(server) \(what)", hint: hint)
    }
    switch answer.status {
    case 503 where words.contains("sealed"):
      return unreachable("is sealed", "Unseal it; the next run goes on.")
    case 429:
      let pause = answer.header("Retry-After").map { ", and wants to be asked again in \($0) s" } ?? ""
      return unreachable(
        "answers that there are too many requests (429)\(pause)",
        "Lower [limits] concurrency, or raise the server's rate limit quota.")
    case 412:
      return unreachable(
        "has not caught up with an earlier write yet (412)", "It is asked again; nothing is to be done.")
    case 301...308, 472, 473:
      return unreachable(
        "is a standby and sends us to another server (\(answer.status))",
        "Name the active node or a load balancer as address; redirects are not followed.")
    case 500 where words.contains("active cluster node not found"):
      return unreachable("is a standby without an active node", "Bring the cluster up; the next run goes on.")
    case 500...599:
      return unreachable("fails (\(answer.status))", "Look into the server's log; the next run goes on.")
    case 400 where words.contains("check-and-set"):
      return StoreError.conflict(
        "somebody else wrote \(path) on \(server) at the same time",
        hint: "Look who else writes there; the next run looks at it anew.")
    // Right after it was mounted or upgraded.
    case 400 where words.contains("upgrading"):
      return unreachable(
        "is still making \(settings.mount) ready", "It is asked again; nothing is to be done.")
    case _ where errors == nil: return notVault
    case 400...499 where isLogin:
      return StoreError(
        .misconfigured, message: "\(server) refuses the login at \(path) (\(answer.status))",
        hint:
          "Look whether the role, its id and its secret are right and not used up, and the mount of the method."
      )
    case 403:
      let namespace = settings.namespace.map { " in namespace \($0)" } ?? ""
      return StoreError(
        .misconfigured, message: "\(server) refuses us \(path)\(namespace) (403)",
        hint:
          "Is the token still valid? Its policy needs: path \"\(path)\" { capabilities = [\(capabilities)] }")
    case 404: return noMount
    default:
      return StoreError(
        .misconfigured, message: "\(server) does not understand a request for \(path) (\(answer.status))",
        hint: "Is the mount \(settings.mount) a KV engine of version 2, and the namespace right?")
    }
  }

  var noMount: StoreError {
    let namespace = settings.namespace.map { " in namespace \($0)" } ?? ""
    return StoreError(
      .misconfigured, message: "\(server) has nothing mounted at \(settings.mount)\(namespace)",
      hint:
        "Correct mount or namespace, or enable the engine: vault secrets enable -path=\(settings.mount) kv-v2"
    )
  }

  var notVault: StoreError {
    StoreError(
      .misconfigured, message: "\(server) does not answer like a Vault server",
      hint: "Check the address; maybe a proxy or another service is there.")
  }

  func wrongEngine(_ kind: String, _ version: String) -> StoreError {
    let engine = version.isEmpty ? kind : "\(kind) version \(version)"
    return StoreError(
      .misconfigured, message: "the engine at \(settings.mount) on \(server) is \(engine), not KV version 2",
      hint: "Name another mount, or upgrade it: vault kv enable-versioning \(settings.mount)")
  }
}
