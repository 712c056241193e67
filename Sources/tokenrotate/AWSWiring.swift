import HTTPClient
import JobFiles
import RotationPorts
import SecretStores

extension StoreWiring {
  static func binding(_ aws: StoreSettings.AWSSecretsManager) -> String {
    // The region that the environment names is no part of the job.
    let parts = [aws.region ?? "", aws.endpoint ?? "", aws.profile ?? "", aws.secretName, aws.field]
    return "aws-secrets-manager:" + parts.joined(separator: "|")
  }

  func awsSecretsManager(
    _ aws: StoreSettings.AWSSecretsManager, named name: String, of job: Job
  ) throws -> any SecretStore {
    AWSSecretsManagerStore.make(try awsSettings(aws, named: name, of: job), send: try client(aws, of: job))
  }

  func awsSettings(
    _ aws: StoreSettings.AWSSecretsManager, named name: String, of job: Job
  ) throws -> AWSSecretsManagerSettings {
    let chain = AWSCredentialChain(environment: wiring.environment.variables, profile: aws.profile) {
      path throws(StoreError) in
      do throws(FileError) {
        return try SecretFile.read(path)
      } catch {
        guard error.code != .missing else { return nil }
        throw StoreError(.misconfigured, message: error.message, hint: error.hint)
      }
    }
    guard let region = try aws.region ?? chain.region() else {
      throw Problem(
        code: "bad_input", message: "\(job.path): the aws-secrets-manager store has no region",
        hint: "write region = \"eu-central-1\", or set AWS_REGION")
    }
    return AWSSecretsManagerSettings(
      name: name, job: job.name, region: region,
      endpoint: aws.endpoint
        ?? "https://secretsmanager.\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")",
      secretName: aws.secretName,
      field: aws.field, kmsKey: aws.kmsKey, tags: aws.tags,
      credentials: { [threads = wiring.threads] () async throws(StoreError) in
        try await withTaskExecutorPreference(threads) { () async throws(StoreError) in try chain.credentials()
        }
      }, timeout: aws.timeout, installation: installation)
  }

  func client(
    _ aws: StoreSettings.AWSSecretsManager, of job: Job
  ) throws -> @Sendable (HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let connections = job.limits.concurrency + 8
    let client = try HTTPClient(
      configuration: HTTPClientConfiguration(
        maximumTransfersInFlight: connections, maximumConnectionsPerHost: connections))
    return { request throws(HTTPError) in try await client.send(request) }
  }
}
