internal import RotationPorts
internal import TOMLReader

/// Finds one profile in a configuration file and judges what it says.
struct ProfileReader {
  private let root: TOMLTable
  private let path: String

  init(_ file: ProfileFile) throws(InfluxctlProfileError) {
    path = file.path
    do throws(TOMLSyntaxError) {
      root = try TOMLDocument.parse(file.bytes, file: file.path)
    } catch {
      // The parser may quote what it stumbled over, and that may be a token without its quotes.
      let words = ServerMessage.sanitized(error.message) ?? "not TOML"
      throw ProfileReader.malformed(words, at: error.position, hint: "Mend the file; influxctl reads it too")
    }
    try refuseOpenFile(file)
  }

  func profile(_ name: String) throws(InfluxctlProfileError) -> InfluxctlProfile {
    let found = try tables().filter { table in
      if case .string(name)? = table["name"]?.content { return true }
      return false
    }
    guard let table = found.first else {
      let names = try tables().compactMap { table in
        if case .string(let name)? = table["name"]?.content {
          return ServerMessage.printable(name.prefix(64))
        }
        return nil
      }
      let known = names.isEmpty ? "it has none" : "it has \(names.prefix(20).joined(separator: ", "))"
      throw InfluxctlProfileError(
        .noSuchProfile, "\(path): no profile is called \(name)", hint: "Name a profile of the file: \(known)")
    }
    if found.count > 1, let place = found[1].entry("name")?.keyPosition {
      throw ProfileReader.error(
        .noSuchProfile, "a second profile is called \(name)", at: place,
        hint: "Give each profile its own name")
    }
    return try read(table, name: name)
  }

  // MARK: One profile

  private func read(_ table: TOMLTable, name: String) throws(InfluxctlProfileError) -> InfluxctlProfile {
    var profile = InfluxctlProfile(name: name, product: try product(table))
    profile.host = try host(table)
    profile.accountID = try text("account_id", of: table)
    profile.clusterID = try text("cluster_id", of: table)
    profile.managementToken = try managementToken(table)
    guard let tls = table["tls"] else { return profile }
    guard case .table(let tls) = tls.content else {
      throw ProfileReader.malformed("`tls` must be a table, not \(tls.kind)", at: tls.position)
    }
    try refuse("insecure", in: tls, because: "the server's certificate would not be verified")
    try refuse("disable", in: tls, because: "the token would be sent in the clear")
    profile.authorityFile = try text("ca", of: tls)
    profile.certificateFile = try text("cert", of: tls)
    profile.keyFile = try text("key", of: tls)
    return profile
  }

  private func product(_ table: TOMLTable) throws(InfluxctlProfileError) -> InfluxctlProfile.Product {
    let position = table.entry("name")?.keyPosition ?? TOMLPosition(file: path, line: 1, column: 1)
    let hint = "Write product = \"dedicated\" or \"clustered\""
    guard let word = try text("product", of: table) else {
      throw ProfileReader.malformed("the profile has no `product`", at: position, hint: hint)
    }
    guard let product = InfluxctlProfile.Product(rawValue: word) else {
      throw ProfileReader.malformed(
        "`product`: \"\(ServerMessage.sanitized(word) ?? "")\" is no product of influxctl's",
        at: table["product"]?.position ?? position, hint: hint)
    }
    return product
  }

  private func host(_ table: TOMLTable) throws(InfluxctlProfileError) -> String? {
    let port = try port(table)
    guard let host = try text("host", of: table) else { return nil }
    let url = "https://\(host)" + (port.map { ":\($0)" } ?? "")
    guard !host.utf8.contains(UInt8(ascii: "/")), let address = URLText.address(of: url) else {
      throw ProfileReader.malformed(
        "`host` must be a host's name",
        at: table["host"]?.position ?? TOMLPosition(file: path, line: 1, column: 1),
        hint: "Leave out https://, user and path")
    }
    return address
  }

  /// influxctl writes it as a string; a number means the same. 443 is left out of the URL.
  private func port(_ table: TOMLTable) throws(InfluxctlProfileError) -> Int? {
    guard let value = table["port"] else { return nil }
    let port: Int? =
      switch value.content {
      case .string(let text): text.isEmpty ? 443 : Int(text)
      case .integer(let number): Int(exactly: number)
      default: nil
      }
    guard let port, (1...65_535).contains(port) else {
      throw ProfileReader.malformed(
        "`port` is no port", at: value.position, hint: "Write a number from 1 to 65535")
    }
    return port == 443 ? nil : port
  }

  private func managementToken(_ table: TOMLTable) throws(InfluxctlProfileError) -> Secret? {
    guard let token = try text("mgmt_token", of: table) else { return nil }
    guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), token.utf8.count <= 16_384 else {
      throw ProfileReader.malformed(
        "`mgmt_token` holds a space, a line end or another character that no token has",
        at: table["mgmt_token"]?.position ?? TOMLPosition(file: path, line: 1, column: 1),
        hint: "Copy the token again, without line breaks")
    }
    return Secret(token.utf8)
  }

  private func refuse(
    _ key: String, in tls: TOMLTable, because reason: String
  ) throws(InfluxctlProfileError) {
    guard let entry = tls.entry(key) else { return }
    guard case .boolean(let isOn) = entry.value.content else {
      throw ProfileReader.malformed(
        "`\(key)` must be a boolean, not \(entry.value.kind)", at: entry.value.position)
    }
    guard isOn else { return }
    throw ProfileReader.error(
      .insecure, "`\(key)` is refused: \(reason)", at: entry.keyPosition,
      hint:
        "Remove `\(key)`; for a certificate of your own CA write ca = \"/path/to/ca.pem\" in [profile.tls]")
  }

  // MARK: Values

  /// The profiles; a single `[profile]` table counts as one.
  private func tables() throws(InfluxctlProfileError) -> [TOMLTable] {
    guard let profiles = root["profile"] else { return [] }
    switch profiles.content {
    case .table(let table): return [table]
    case .array(let elements):
      var tables: [TOMLTable] = []
      for element in elements {
        guard case .table(let table) = element.content else {
          throw ProfileReader.malformed(
            "`profile` must hold tables, not \(element.kind)", at: element.position)
        }
        tables.append(table)
      }
      return tables
    default:
      throw ProfileReader.malformed("`profile` must be tables, not \(profiles.kind)", at: profiles.position)
    }
  }

  /// Nil when the key is absent or its text empty. A value of another kind is not shown.
  private func text(_ key: String, of table: TOMLTable) throws(InfluxctlProfileError) -> String? {
    guard let value = table[key] else { return nil }
    guard case .string(let text) = value.content else {
      throw ProfileReader.malformed("`\(key)` must be a string, not \(value.kind)", at: value.position)
    }
    return text.isEmpty ? nil : text
  }

  /// Any profile's token makes the file a secret. Its group may read it, as with other files that hold one.
  private func refuseOpenFile(_ file: ProfileFile) throws(InfluxctlProfileError) {
    guard file.permissions & 0o006 != 0 else { return }
    let tokens = try tables().compactMap { $0.entry("mgmt_token") }
    guard let token = tokens.first else { return }
    let verb = file.permissions & 0o004 != 0 ? "read" : "written"
    throw ProfileReader.error(
      .readableByOthers, "holds a management token and can be \(verb) by everybody", at: token.keyPosition,
      hint: "chmod o= \(ProfileFile.shellQuoted(path))")
  }

  private static func malformed(
    _ message: String, at position: TOMLPosition, hint: String? = nil
  ) -> InfluxctlProfileError {
    error(.malformed, message, at: position, hint: hint)
  }

  private static func error(
    _ code: InfluxctlProfileError.Code, _ message: String, at position: TOMLPosition, hint: String?
  ) -> InfluxctlProfileError {
    InfluxctlProfileError(
      code, "\(position.file):\(position.line):\(position.column): \(message)", hint: hint)
  }
}
