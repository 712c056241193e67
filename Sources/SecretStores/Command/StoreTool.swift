internal import RotationModel
internal import RotationPorts
internal import Subprocesses

/// The user's programs: each is told by variables what is meant, gets the string on its standard input only, and is
/// never shown to have said it.
struct StoreTool: Sendable {
  let settings: CommandStoreSettings

  /// More than a string that any token has.
  private static let maximumOutput = 16_384
  private static let shownErrorBytes = 1000
  private static let grace: Duration = .seconds(2)

  func promote(_ record: PlaceRecord, _ place: StorePlace) throws(StoreError) {
    _ = try run("promote", settings.commands.promote, .current, record, place, input: record.accessToken)
  }

  func stage(_ record: PlaceRecord, _ which: Event.Place, _ place: StorePlace) throws(StoreError) {
    guard let command = settings.commands.stage else { return }
    _ = try run("stage", command, which, record, place, input: record.accessToken)
  }

  func discard(_ which: Event.Place, _ record: PlaceRecord, _ place: StorePlace) throws(StoreError) {
    guard let command = settings.commands.discard else {
      throw StoreError(
        .misconfigured,
        message: "the store \(settings.name) has no `discard` command to take \(place.name) away with",
        hint: "Add discard = [\"…\"] to the [[store]]; it is asked to remove what consumers read.")
    }
    _ = try run("discard", command, which, record, place, input: nil)
  }

  /// nil: there is nothing.
  func read(_ which: Event.Place, _ record: PlaceRecord, _ place: StorePlace) throws(StoreError) -> Secret? {
    guard let command = settings.commands.read else { return nil }
    var output = try run("read", command, which, record, place, input: nil)
    defer { output.withUnsafeMutableBytes { Secret.wipe($0) } }
    var count = output.count
    if count > 0, output[count - 1] == UInt8(ascii: "\n") { count -= 1 }
    guard count > 0 else { return nil }
    guard output[..<count].allSatisfy(TokenText.isAllowed), count <= TokenText.maximumBytes else {
      throw StoreError(
        .ownedByAnother,
        message: "what `read` of the store \(settings.name) gives for \(place.name) is no token",
        hint: "It has to write the string and nothing else; or somebody else's secret is there: move it away."
      )
    }
    return output.withUnsafeBytes { Secret(copying: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
  }

  // MARK: Running

  private func run(
    _ what: String, _ words: [String], _ which: Event.Place, _ record: PlaceRecord, _ place: StorePlace,
    input: Secret?
  ) throws(StoreError) -> [UInt8] {
    let arguments = words.map {
      $0.replacing("{job}", with: place.job).replacing("{name}", with: place.secret ?? place.name)
    }
    var inherited = settings.environment.filter { Subprocess.inheritedVariables.contains($0.key) }
    inherited.merge(variables(which, record, place)) { _, own in own }
    var subprocess = Subprocess(
      arguments, environment: inherited, directory: settings.workingDirectory,
      input: input.map { $0.withUnsafeBytes { Array($0) } } ?? [], timeout: settings.timeout,
      grace: StoreTool.grace, output: .first(bytes: StoreTool.maximumOutput),
      errors: .last(bytes: StoreTool.shownErrorBytes))
    defer { subprocess.input.withUnsafeMutableBytes { Secret.wipe($0) } }
    let name = "`\(what)` of the store \(settings.name) for \(place.name)"
    var result: Subprocess.Result
    do throws(SubprocessError) {
      result = try subprocess.run()
    } catch {
      throw StoreError(
        .misconfigured, message: "\(name): \(error.message)",
        hint: "Put \(arguments[0]) where the job says it is.")
    }
    if case .exited(0) = result.ending, !result.outputIsCut { return result.output }
    let secrets = [input, record.accessToken].compactMap(\.self)
    let words = shown(result.errors, hiding: secrets)
    result.output.withUnsafeMutableBytes { Secret.wipe($0) }
    if result.outputIsCut {
      throw StoreError(
        .misconfigured, message: "\(name) wrote more than \(StoreTool.maximumOutput) bytes",
        hint: "It has to write the string and nothing else.")
    }
    throw StoreError(
      code(of: result.ending), message: "\(name) failed (\(result.ending.words))\(words)",
      hint: "Say it by hand to see what is wrong; the next run tries it again.")
  }

  /// sysexits(3): 75 may pass, 78 is a mistake in what was set up.
  private func code(of ending: Subprocess.Ending) -> StoreError.Code {
    switch ending {
    case .exited(75), .timedOut: .unreachable
    case .exited(78): .misconfigured
    case .exited, .signalled: .unavailable
    }
  }

  /// A program that says the string, or a part of it, is not quoted at all.
  private func shown(_ errors: [UInt8], hiding secrets: [Secret]) -> String {
    guard !secrets.contains(where: { SecretTrace($0).occurs(in: errors) }) else {
      return ": it has said a part of the string, so that its words are not shown"
    }
    let words = Subprocess.oneLine(errors)
    return words.isEmpty ? "" : ": \(words)"
  }

  private func variables(
    _ which: Event.Place, _ record: PlaceRecord, _ place: StorePlace
  ) -> [String: String] {
    var variables = [
      "TOKENROTATE_STORE": settings.name, "TOKENROTATE_JOB": place.job, "TOKENROTATE_NAME": place.name,
      "TOKENROTATE_SECRET": place.secret ?? place.name, "TOKENROTATE_PLACE": which.rawValue,
      "TOKENROTATE_GENERATION": String(record.generation), "TOKENROTATE_ATTEMPT": record.attempt.text,
      "TOKENROTATE_TOKEN_ID": record.tokenID,
      "TOKENROTATE_DATABASES": record.databases.joined(separator: ";"),
      "TOKENROTATE_EXPIRES_AT": record.expiresAt?.rfc3339 ?? "", "INFLUX_HOST": record.host,
    ]
    if let database = ConsumerValues.onlyDatabase(record.databases) {
      variables["INFLUX_DATABASE"] = database
    }
    return variables
  }
}
