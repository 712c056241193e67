/// Where a lineage stands, in one word: the words of ARCHITECTURE's state machine.
public enum LineageStatus: String, Equatable, Sendable, CaseIterable {
  /// Nothing was ever made, or all of it is gone again.
  case planned
  /// An attempt has no outcome yet.
  case creating
  /// An attempt's effect is not known, and no token is in its place.
  case unknown
  case staged
  case active
  case delivering
  case current
  case revoking
  /// A person has asked for the previous token, and not every store has it yet.
  case rollingBack = "rolling back"
  /// No store calls a token of it current, and the last one lives on for a while.
  case retiring
}

extension RotationMachine {
  public var status: LineageStatus {
    if rollbackTarget != nil { return .rollingBack }
    if let newest {
      switch newest.phase {
      case .staged: return .staged
      case .active: return .active
      case .delivering: return .delivering
      case .current: return .current
      case .revoking: return .revoking
      case .superseded, .disabling, .disabled, .enabling, .revoked, .leftBehind: return .planned
      }
    }
    if attempts.contains(where: \.isOpen) { return .creating }
    if attempts.contains(where: { $0.state == .unknown && !$0.wasSearched }) { return .unknown }
    return predecessor == nil ? .planned : .retiring
  }
}
