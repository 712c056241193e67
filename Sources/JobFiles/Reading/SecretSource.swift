public import RotationPorts

/// Where a secret is kept that a job needs: the management token, or what a store is reached with.
public enum SecretSource: Equatable, Sendable {
  /// An absolute path.
  case file(String)
  /// The name of an environment variable.
  case environment(String)
  /// A systemd credential: a file of that name in `$CREDENTIALS_DIRECTORY`, or in `credentialsFolder` when nobody
  /// sets that, as for a call by hand.
  case credential(String)
  /// A program and its arguments, whose standard output is the secret.
  case command([String])

  /// Where the systemd unit takes its credentials from, so that one job file is right for the service and for a
  /// person.
  public static let credentialsFolder = "/etc/tokenrotate"

  /// What the secret of a key is called: `management token` for `management_token`.
  static func words(_ key: String) -> String { key.split(separator: "_").joined(separator: " ") }

  /// Reads the secret; blocks, for up to 30 s when it comes from a command.
  ///
  /// - Parameters:
  ///   - key: the key that says where it is, for messages; `table` is where the key is.
  ///   - environment: the environment of this process.
  ///   - trust: whose files may be believed; a command's program is checked.
  ///   - credentialsFolder: where a credential is without `$CREDENTIALS_DIRECTORY`.
  /// - Throws: `FileError` when there is none, or it is not one line of printable ASCII, as a header
  ///   needs it.
  public func read(
    key: String = "management_token", of table: String = "[cluster]", environment: [String: String],
    trust: TrustRule = .ofThisProcess,
    credentialsFolder: String = SecretSource.credentialsFolder
  ) throws(FileError) -> Secret {
    let secret: Secret
    switch self {
    case .file(let path):
      secret = try SecretFile.read(path)
    case .environment(let name):
      guard let value = environment[name], !value.isEmpty else {
        throw FileError(
          .notSet, "the environment variable \(name) is not set or is empty",
          hint: "\(table) \(key) names it")
      }
      var bytes = Array(value.utf8)
      defer { bytes.wipe() }
      secret = try SecretFile.secret(of: bytes, from: "the environment variable \(name)")
    case .credential(let name):
      let given = environment["CREDENTIALS_DIRECTORY"] ?? ""
      let path = PathText.join(given.isEmpty ? credentialsFolder : given, name)
      do {
        secret = try SecretFile.read(path)
      } catch {
        guard given.isEmpty else { throw error }
        throw FileError(
          error.code, "credential \(name), without $CREDENTIALS_DIRECTORY: \(error.message)",
          hint: error.hint ?? "a systemd service gets it with LoadCredential=\(name):/path/to/the/token")
      }
    case .command(let arguments):
      if let program = arguments.first, program.contains("/") { try trust.check(program) }
      var output = try CommandOutput.read(
        arguments, environment: environment, timeout: .seconds(30), maximumBytes: SecretFile.maximumBytes)
      defer { output.wipe() }
      secret = try SecretFile.secret(of: output, from: "the output of \(arguments[0])")
    }
    guard secret.withUnsafeBytes({ $0.allSatisfy { (0x21...0x7E).contains($0) } }) else {
      throw FileError(
        .malformed,
        "the \(SecretSource.words(key)) from \(shown) holds a space, a line break or another such character",
        hint: "it must be one line that holds it and nothing else")
    }
    return secret
  }

  /// The program that it comes from.
  var program: String? {
    if case .command(let words) = self { words.first } else { nil }
  }

  private var shown: String {
    switch self {
    case .file(let path): path
    case .environment(let name): "the environment variable \(name)"
    case .credential(let name): "the credential \(name)"
    case .command(let arguments): "the command \(arguments.first ?? "")"
    }
  }
}
