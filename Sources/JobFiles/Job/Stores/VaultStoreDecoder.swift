import TOMLReader

extension StoreSettings {
  /// `kind = "vault"`
  public struct Vault: Equatable, Sendable {
    public init() {}
  }
}

/// Reads a `[[store]]` of the kind `vault`.
struct VaultStoreDecoder {
  let paths: PathResolver

  func decode(_ section: Section) -> StoreSettings.Vault? {
    section.refuseUnsupported("store.kind=vault", at: section.table["kind"]?.position ?? section.position)
    return nil
  }
}
