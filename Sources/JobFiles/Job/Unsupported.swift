/// What the contract promises and this version does not do yet.
///
/// Its shape is validated all the same, so that a file written for a later version is found right or wrong
/// today. A feature that lands deletes its line here.
enum Unsupported {
  /// From a key's path (or `PATH=VALUE`) to how it is shown and what to do instead.
  static let unsupportedKeys: [String: (shown: String, advice: String)] = [
    "audit.signing_key": ("signing_key", "remove it; the audit log is chained without signatures"),
    "ledger": ("[ledger]", "remove it; the ledger is SQLite in the state directory"),
  ]

  /// The message and the hint for a key that is not supported yet; nil for one that is.
  static func refusal(of path: String) -> (message: String, hint: String)? {
    unsupportedKeys[path].map { shown, advice in
      ("`\(shown)` is not supported by this version yet", advice)
    }
  }
}
