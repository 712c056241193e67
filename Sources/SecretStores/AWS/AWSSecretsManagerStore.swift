public import HTTPClient
public import RotationModel
public import RotationPorts

/// Keeps tokens in AWS Secrets Manager: one secret a token, its versions told apart by staging labels.
///
/// AWSPENDING is what is not active yet, AWSCURRENT what consumers read, AWSPREVIOUS what was current before. A version's
/// id says which token it is, so that a description of the secret alone shows where each stands, and a repeated request
/// is the same request to AWS as well. A version whose id begins with `empty-` holds no token: AWSCURRENT cannot be taken
/// off a secret, only moved.
public enum AWSSecretsManagerStore {
  public static func make(
    _ settings: AWSSecretsManagerSettings,
    send: @escaping @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse
  ) -> any SecretStore {
    let backend = AWSBackend(settings: settings, client: AWSClient(settings: settings, send: send))
    return RecordStore(name: settings.name, backend: backend, jobs: [settings.job])
  }

  /// The installation that has the job's places; nil when nobody has, or AWS does not say.
  public static func owner(
    _ settings: AWSSecretsManagerSettings,
    send: @escaping @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse
  ) async -> InstallationID? {
    let client = AWSClient(settings: settings, send: send)
    return try? await AWSBackend(settings: settings, client: client).owner(job: settings.job)
  }
}

/// How a store in AWS Secrets Manager is set up.
public struct AWSSecretsManagerSettings: Sendable {
  /// The store's name within its job.
  public var name: String
  public var job: String
  public var region: String
  /// A URL without a slash at its end.
  public var endpoint: String
  /// The name of a token's secret, `{job}` and `{name}` standing for those.
  public var secretName: String
  /// The member of the secret that holds the string.
  public var field: String
  /// The id or alias of a key; nil: the account's own for this service.
  public var kmsKey: String?
  public var tags: [String: String]
  public var credentials: @Sendable () async throws(StoreError) -> AWSCredentials
  /// For one request.
  public var timeout: Duration
  public var installation: InstallationID

  public init(
    name: String, job: String, region: String, endpoint: String, secretName: String = "{job}/{name}",
    field: String = "INFLUX_TOKEN", kmsKey: String? = nil, tags: [String: String] = [:],
    credentials: @escaping @Sendable () async throws(StoreError) -> AWSCredentials,
    timeout: Duration = .seconds(30), installation: InstallationID
  ) {
    self.name = name
    self.job = job
    self.region = region
    self.endpoint = endpoint
    self.secretName = secretName
    self.field = field
    self.kmsKey = kmsKey
    self.tags = tags
    self.credentials = credentials
    self.timeout = timeout
    self.installation = installation
  }
}

/// What requests are signed with.
public struct AWSCredentials: Sendable {
  public var keyID: String
  public var secretKey: Secret
  /// Of credentials that end by themselves.
  public var sessionToken: Secret?

  public init(keyID: String, secretKey: Secret, sessionToken: Secret? = nil) {
    self.keyID = keyID
    self.secretKey = secretKey
    self.sessionToken = sessionToken
  }
}
