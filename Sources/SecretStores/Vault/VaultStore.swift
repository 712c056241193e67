public import HTTPClient
public import RotationModel
public import RotationPorts

/// Keeps tokens in the KV version 2 engine of HashiCorp Vault or OpenBao.
///
/// ```
/// MOUNT/PATH                    what consumers read: the string under its field and what belongs to it, with a record of
///                               whose it is in the same version, so that both change in one step
/// MOUNT/PRIVATE/pending/PATH    the staged token; removed with all its versions
/// MOUNT/PRIVATE/previous/PATH   the token that was current before; likewise
/// MOUNT/PRIVATE/owner/JOB       which installation has the job's places
/// ```
///
/// Every write is a check-and-set on the version that was looked at.
public enum VaultStore {
  /// `send`: how requests are sent, an `HTTPClient`'s `send`.
  public static func make(
    _ settings: VaultSettings, clock: any RotationClock,
    send: @escaping @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse
  ) -> any SecretStore {
    let client = VaultClient(settings: settings, clock: clock, send: send)
    let documents = VaultDocuments(settings: settings, client: client)
    return RecordStore(
      name: settings.name, backend: DocumentBackend(space: documents), jobs: [settings.job])
  }

  /// The installation that has the job's places; nil when nobody has, or the server does not say. For rebuilding a lost
  /// ledger under the id that store and cluster know.
  public static func owner(
    _ settings: VaultSettings, clock: any RotationClock,
    send: @escaping @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse
  ) async -> InstallationID? {
    let client = VaultClient(settings: settings, clock: clock, send: send)
    return try? await VaultDocuments(settings: settings, client: client).owner(job: settings.job)
  }
}
