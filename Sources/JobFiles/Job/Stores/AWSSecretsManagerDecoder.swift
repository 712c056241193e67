import TOMLReader

extension StoreSettings {
  /// `kind = "aws-secrets-manager"`
  public struct AWSSecretsManager: Equatable, Sendable {
    public init() {}
  }
}

/// Reads a `[[store]]` of the kind `aws-secrets-manager`.
struct AWSSecretsManagerDecoder {
  let paths: PathResolver

  func decode(_ section: Section) -> StoreSettings.AWSSecretsManager? {
    section.refuseUnsupported(
      "store.kind=aws-secrets-manager", at: section.table["kind"]?.position ?? section.position)
    return nil
  }
}
