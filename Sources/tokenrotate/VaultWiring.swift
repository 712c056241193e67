import HTTPClient
import JobFiles
import RotationPorts
import SecretStores

extension StoreWiring {
  /// Where the strings are, whatever way we log in.
  static func binding(_ vault: StoreSettings.Vault) -> String {
    var server = vault.address
    if case .agent(let agent) = vault.authentication { server = agent }
    let parts = [server, vault.namespace ?? "", vault.mount, vault.path, vault.privatePath, vault.field]
    return "vault:" + parts.joined(separator: "|")
  }

  func vault(_ vault: StoreSettings.Vault, named name: String, of job: Job) throws -> any SecretStore {
    VaultStore.make(
      try vaultSettings(vault, named: name, of: job), clock: SystemClock(), send: try client(vault, of: job))
  }

  func vaultSettings(
    _ vault: StoreSettings.Vault, named name: String, of job: Job
  ) throws -> VaultSettings {
    var settings = VaultSettings(
      name: name, job: job.name, address: vault.address, namespace: vault.namespace, mount: vault.mount,
      path: vault.path, privatePath: vault.privatePath, field: vault.field, authentication: .agent,
      timeout: vault.timeout, installation: installation)
    switch vault.authentication {
    case .token(let source): settings.authentication = .token(read(source, "token"))
    case .appRole(let mount, let roleID, let secretID):
      settings.authentication = .appRole(mount: mount, roleID: roleID, secretID: read(secretID, "secret_id"))
    case .kubernetes(let mount, let role, let tokenFile):
      settings.authentication = .kubernetes(
        mount: mount, role: role, serviceAccountToken: read(.file(tokenFile), "token_file"))
    case .agent(let agent):
      settings.unixSocket = agent.hasPrefix("/") ? agent : nil
      settings.address = agent.hasPrefix("/") ? "http://localhost" : agent
    }
    return settings
  }

  func client(
    _ vault: StoreSettings.Vault, of job: Job
  ) throws -> @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    if let key = vault.tls.key { try SecretFile.requireClosed(key) }
    let connections = job.limits.concurrency + 8
    let client = try HTTPClient(
      configuration: HTTPClientConfiguration(
        maximumTransfersInFlight: connections, maximumConnectionsPerHost: connections,
        tls: HTTPClientConfiguration.TLS(
          authorityFile: vault.tls.authority, certificateFile: vault.tls.certificate, keyFile: vault.tls.key))
    )
    return { request throws(HTTPError) in try await client.send(request) }
  }

  /// Reads a credential anew each time, on a thread that may block.
  func read(_ source: SecretSource, _ key: String) -> VaultSettings.Source {
    { [environment = wiring.environment.variables, threads = wiring.threads] () async throws(StoreError) in
      do throws(FileError) {
        return try await withTaskExecutorPreference(threads) { () async throws(FileError) in
          try source.read(key: key, of: "[[store]]", environment: environment)
        }
      } catch {
        throw StoreError(.misconfigured, message: error.message, hint: error.hint)
      }
    }
  }
}
