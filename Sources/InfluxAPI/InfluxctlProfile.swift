public import RotationPorts

/// A connection profile of influxctl's `config.toml`
/// (https://docs.influxdata.com/influxdb3/cloud-dedicated/reference/cli/influxctl/).
public struct InfluxctlProfile: Equatable, Sendable {
  public enum Product: String, Sendable, CaseIterable {
    case dedicated
    case clustered
  }

  public var name: String
  public var product: Product
  /// `https://host[:port]` of the cluster itself; nil when the profile names no host.
  public var host: String?
  /// Dedicated only.
  public var accountID: String?
  /// Dedicated only.
  public var clusterID: String?
  /// Nil when the profile leaves authentication to a login in the browser.
  public var managementToken: Secret?
  /// Paths of PEM files as the profile writes them; nil where it names none.
  public var authorityFile: String?
  public var certificateFile: String?
  public var keyFile: String?

  public init(name: String, product: Product) {
    self.name = name
    self.product = product
  }

  /// Where influxctl looks on Linux: `~/.config/influxctl/config.toml`.
  public static func defaultPath(home: String) -> String {
    "\(home)/.config/influxctl/config.toml"
  }

  /// Reads the profile called `name` from the file at `path`. Keys and tables that only influxctl needs are
  /// ignored, other profiles are not judged.
  ///
  /// - Throws: `InfluxctlProfileError`, with file, line and column where there is one. A file that holds a
  ///   management token and that everybody can read or write is refused.
  public static func read(_ name: String, path: String) throws(InfluxctlProfileError) -> InfluxctlProfile {
    let file = try ProfileFile.read(path)
    return try ProfileReader(file).profile(name)
  }
}

/// Why a profile cannot be used.
public struct InfluxctlProfileError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable {
    case missing
    case unreadable
    case readableByOthers = "readable_by_others"
    /// Not TOML, or a value of the wrong kind.
    case malformed
    /// No profile, or more than one, has the name.
    case noSuchProfile = "no_such_profile"
    /// TLS without verification.
    case insecure
  }

  public var code: Code
  /// What happened and where, as in `config.toml:3:1: …`. Never a part of a token.
  public var message: String
  /// What to do next; a command where one mends it.
  public var hint: String?

  public init(_ code: Code, _ message: String, hint: String?) {
    self.code = code
    self.message = message
    self.hint = hint
  }

  public var description: String { hint.map { "\(message)\n  hint: \($0)" } ?? message }
}
