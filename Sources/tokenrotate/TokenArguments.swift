import Arguments
import JobFiles
import RotationModel
import RotationPorts

/// What the options of `token create` and `token update` ask for, judged as a row of a CSV would be.
struct TokenArguments {
  let options: GivenOptions

  /// The permissions named; at least one.
  func permissions(_ policy: PolicySettings?) throws(Problem) -> PermissionSet {
    let named = [
      (Permission.Action.read, OptionName.readDatabase), (.write, .writeDatabase),
    ].flatMap { action, option in options.values(option).map { (Permission(action, $0), option) } }
    for (permission, option) in named {
      if !permission.isWildcard, !DatabaseName.isValid(permission.database) {
        throw bad(
          "\(option.text): \"\(permission.database)\" is no database name",
          hint:
            "1 to 64 of A-Z a-z 0-9 _ - /, or '*' for every database; name the option again for another one")
      }
      guard let policy else { continue }
      let isAllowed =
        permission.isWildcard ? policy.allowsWildcard : policy.allows(database: permission.database)
      guard isAllowed else {
        throw bad(
          "\(option.text): the job's [policy] does not allow \"\(permission.database)\"",
          hint: "change [policy] in the job, if that is what you want")
      }
    }
    guard !named.isEmpty else {
      throw bad(
        "no permission was named",
        hint: "--read-database NAME, --write-database NAME, or both; '*' is every one")
    }
    return PermissionSet(named.map(\.0))
  }

  /// When the token is to expire; nil: never.
  func expiry(now: Instant) throws(Problem) -> Instant? {
    guard let text = options.value(.expiresAt) else { return nil }
    guard let instant = Instant(rfc3339: TokenArguments.withColon(text)) else {
      throw bad(
        "--expires-at: \"\(text)\" is no RFC 3339 time with a time zone",
        hint: "for example 2030-01-01T00:00:00Z, or $(date -d '+7 days' +%Y-%m-%dT%H:%M:%S%z)")
    }
    guard instant > now else {
      throw bad("--expires-at: \(instant.rfc3339Seconds) has passed", hint: "name a later time")
    }
    return instant
  }

  func description(_ text: String) throws(Problem) -> String {
    guard !text.contains(Marker.opening) else {
      throw bad(
        "a description may not hold \"\(Marker.opening)\"",
        hint: "tokenrotate puts its own marker behind the description")
    }
    guard text.unicodeScalars.count <= 1000 else {
      throw bad("the description has more than 1000 characters", hint: "shorten it")
    }
    return text
  }

  /// The name of `--name`, or one made from the description: the same description, the same name.
  func storedName(_ description: String) throws(Problem) -> String {
    guard let name = options.value(.name) else {
      if let made = Name.made(from: description) { return made }
      throw bad("no name can be made from the description", hint: "name the token with --name")
    }
    guard Name.isValid(name) else {
      throw bad(
        "--name: \"\(name)\" is not a name",
        hint: "1 to 128 of A-Z a-z 0-9 . _ -, the first a letter or a digit")
    }
    return name
  }

  /// `date +%z` leaves the colon out that RFC 3339 has within a time zone, and influxctl's documentation uses it so.
  static func withColon(_ text: String) -> String {
    let zone = text.suffix(5)
    guard zone.utf8.count == 5, zone.first == "+" || zone.first == "-",
      zone.dropFirst().allSatisfy({ $0.isASCII && $0.isNumber })
    else { return text }
    return "\(text.dropLast(2)):\(text.suffix(2))"
  }

  private func bad(_ message: String, hint: String) -> Problem {
    Problem(code: "bad_input", message: message, hint: hint)
  }
}
