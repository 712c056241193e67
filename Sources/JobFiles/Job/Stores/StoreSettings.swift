/// `[[store]]`: where tokens are delivered to.
public enum StoreSettings: Equatable, Sendable {
  case file(File)
  case command(Command)
  case vault(Vault)
  case awsSecretsManager(AWSSecretsManager)

  public enum Kind: String, Sendable, CaseIterable {
    case file
    case command
    case vault
    case awsSecretsManager = "aws-secrets-manager"
  }

  public var kind: Kind {
    switch self {
    case .file: .file
    case .command: .command
    case .vault: .vault
    case .awsSecretsManager: .awsSecretsManager
    }
  }

  /// The settings of a file store; nil for another kind.
  public var file: File? {
    if case .file(let settings) = self { settings } else { nil }
  }
}
