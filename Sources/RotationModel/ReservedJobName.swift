/// Names that no job file may give its job: under these `token create` records what it makes.
public enum ReservedJobName {
  /// Before the cluster's key: tokens whose strings were shown.
  public static let shown = "token."
  /// Likewise: tokens whose strings were put away without a job.
  public static let stored = "token-store."

  /// Whether tokens of such a job belong to the persons who were shown their strings.
  public static func isShown(_ name: some StringProtocol) -> Bool { name.hasPrefix(shown) }

  public static func isReserved(_ name: some StringProtocol) -> Bool {
    name.hasPrefix(shown) || name.hasPrefix(stored)
  }
}
