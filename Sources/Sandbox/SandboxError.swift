/// What the sandbox could not do or would not accept.
public struct SandboxError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The address to listen on is not a loopback address.
    case notLoopback = "sandbox.not_loopback"
    /// The port is taken or may not be used, or libmicrohttpd refused to start.
    case cannotListen = "sandbox.cannot_listen"
    /// An option's value is out of range.
    case badOption = "sandbox.bad_option"
    /// A fault's text does not follow the grammar.
    case badFault = "sandbox.bad_fault"
  }

  public let code: Code
  /// What happened and where.
  public let message: String
  /// What to do next.
  public let hint: String

  init(_ code: Code, _ message: String, hint: String) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  public var description: String { "\(message) (\(hint))" }
}
