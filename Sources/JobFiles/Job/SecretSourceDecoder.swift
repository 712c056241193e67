import TOMLReader

extension Section {
  /// Where a secret is kept: never the secret itself.
  func secretSource(_ key: String, _ paths: PathResolver) -> SecretSource? {
    let forms = "{ file = \"…\" }, { env = \"…\" }, { credential = \"…\" } or { command = [\"…\"] }"
    if let value = table[key], !value.isTable {
      // The value may be the secret itself: it is not shown.
      log.add(
        "`\(key)` must be a table that says where the \(SecretSource.words(key)) is kept, not \(value.kind)",
        at: value.position, hint: "write \(forms)")
      return nil
    }
    guard let source = section(key, shown: key, keys: ["file", "env", "credential", "command"]) else {
      return nil
    }
    guard source.table.entries.count == 1 else {
      log.add(
        "`\(key)` takes exactly one of file, env, credential and command", at: source.position,
        hint: "write \(forms)")
      return nil
    }
    if let file = source.string("file") { return .file(paths.absolute(file.value)) }
    if let name = source.string("env") { return source.environment(name) }
    if let name = source.string("credential") { return source.credential(name) }
    return source.command("command").map { .command(paths.command($0)) }
  }

  private func environment(_ name: Located<String>) -> SecretSource? {
    let isName =
      name.value.utf8.allSatisfy { byte in
        byte == UInt8(ascii: "_") || Character(Unicode.Scalar(byte)).isLetter && byte < 128
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      } && !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(name.value.utf8.first ?? 0)
    guard isName else {
      // Somebody may have pasted the secret: it is not shown.
      log.add("`env` must be the name of an environment variable", at: name.position)
      return nil
    }
    return .environment(name.value)
  }

  private func credential(_ name: Located<String>) -> SecretSource? {
    guard !name.value.contains("/"), name.value != ".", name.value != ".." else {
      log.add("`credential` must be the name of a systemd credential, not a path", at: name.position)
      return nil
    }
    return .credential(name.value)
  }

  /// What is trusted on a TLS connection, and who we are on it.
  func tls(_ paths: PathResolver, shown: String) -> TLSSettings {
    guard let tls = section("tls", shown: shown, keys: ["ca", "cert", "key"]) else { return TLSSettings() }
    for (given, other) in [("cert", "key"), ("key", "cert")] where tls.has(given) && !tls.has(other) {
      log.add("`\(given)` needs `\(other)` beside it", at: tls.position(of: given))
    }
    return TLSSettings(
      authority: tls.string("ca").map { paths.absolute($0.value) },
      certificate: tls.string("cert").map { paths.absolute($0.value) },
      key: tls.string("key").map { paths.absolute($0.value) })
  }
}
