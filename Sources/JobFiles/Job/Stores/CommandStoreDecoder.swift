import TOMLReader

extension StoreSettings {
  /// `kind = "command"`
  public struct Command: Equatable, Sendable {
    public init() {}
  }
}

/// Reads a `[[store]]` of the kind `command`.
struct CommandStoreDecoder {
  let paths: PathResolver

  func decode(_ section: Section) -> StoreSettings.Command? {
    section.refuseUnsupported("store.kind=command", at: section.table["kind"]?.position ?? section.position)
    return nil
  }
}
