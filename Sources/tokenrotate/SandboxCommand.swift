import Arguments
import FileSystem
import JobFiles
import RotationModel
import RotationPorts
import Sandbox

/// `sandbox`: a local stand-in for a cluster, until a signal ends it.
struct SandboxCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    do {
      let options = try sandboxOptions()
      let server = try SandboxServer.start(options)
      defer { server.stop() }
      if let path = context.options.value(.writeDefaults) {
        try writeDefaults(context.environment.absolute(path), server, options)
      }
      if let path = context.options.value(.writeProfile) {
        try writeProfile(context.environment.absolute(path), server, options)
      }
      if !context.style.isQuiet {
        context.errors.write(
          "This is no production server: everything is in memory and gone when it ends.\n")
        context.output.write("\(server.url)\n")
      }
      if let path = context.options.value(.readyFile) {
        try replace(context.environment.absolute(path), with: Array("\(server.url)\n".utf8))
      }
      try await context.interruption.requested()
      return .done
    } catch {
      let problem = problem(error)
      context.tell(problem)
      return problem.code == "cannotListen" || problem.code == "file_system" ? .failed : .badInput
    }
  }

  private func problem(_ error: any Error) -> Problem {
    guard let error = error as? SandboxError else { return Problem(any: error) }
    return Problem(code: error.code.rawValue, message: error.message, hint: error.hint)
  }

  private func sandboxOptions() throws -> SandboxOptions {
    let given = context.options
    var options = SandboxOptions()
    if let listen = given.value(.listen) { try setAddress(listen, &options) }
    if let product = given.value(.product).flatMap({ SandboxOptions.Product(rawValue: $0) }) {
      options.product = product
    }
    if let id = given.value(.accountID) { options.accountID = id }
    if let id = given.value(.clusterID) { options.clusterID = id }
    if let path = given.value(.managementTokenFile) {
      options.managementToken = try SecretFile.read(context.environment.absolute(path))
    }
    let databases = given.values(.database)
    if !databases.isEmpty { options.cluster.databases = databases }
    if let count = given.integer(.nodes) { options.cluster.nodes = Int(count) }
    if let delay = given.duration(.activationDelay) { options.cluster.activationDelay = delay }
    if let spread = given.duration(.activationSpread) { options.cluster.activationSpread = spread }
    if let delay = given.duration(.changeDelay) { options.cluster.changeDelay = delay }
    if let lag = given.duration(.listLag) { options.cluster.listLag = lag }
    options.cluster.includesRevoked = given.flag(.includesRevoked)
    if let how = given.value(.nodeAssignment).flatMap({ SandboxOptions.NodeAssignment(rawValue: $0) }) {
      options.nodeAssignment = how
    }
    options.seed = given.integer(.seed)
    if let skew = given.duration(.clockSkew) { options.clockSkew = skew }
    for text in given.values(.fault) { options.faults.append(try Fault.parse(text)) }
    if let status = given.value(.unknownTokenOnWrite).flatMap({ Int($0) }),
      let answer = SandboxOptions.UnknownTokenAnswer(rawValue: status)
    {
      options.unknownTokenOnWrite = answer
    }
    options.refusesQueriesInside = given.flag(.refusesQueriesInside)
    options.refusesEmptyWrites = given.flag(.refusesEmptyWrites)
    return options
  }

  /// `PORT`, `ADDRESS:PORT` or `[ADDRESS]:PORT`.
  private func setAddress(_ text: String, _ options: inout SandboxOptions) throws {
    let port = text.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
    guard let number = UInt16(port) else {
      throw Problem(
        code: "bad_input", message: "--listen \(text) has no port", hint: "write PORT or ADDRESS:PORT")
    }
    options.port = number
    let address = text.dropLast(port.count).dropLast()
    if !address.isEmpty { options.address = address.filter { $0 != "[" && $0 != "]" } }
  }

  /// A defaults file whose `[cluster]` is this sandbox, with the management token beside it.
  private func writeDefaults(
    _ path: String, _ server: SandboxServer, _ options: SandboxOptions
  ) throws {
    let tokenPath = path + ".management-token"
    try replace(tokenPath, with: options.managementToken.withUnsafeBytes { Array($0) })
    let text = """
      # Written by `tokenrotate sandbox`: for jobs that are to run against it.
      [cluster]
      \(identity(options))
      host = "\(server.url)"
      management_url = "\(server.managementURL)"
      management_token = { file = "\(tokenPath)" }

      """
    try replace(path, with: Array(text.utf8))
  }

  /// The lines that say which cluster it is, as job files and profiles of influxctl have them.
  private func identity(_ options: SandboxOptions) -> String {
    switch options.product {
    case .dedicated:
      """
      product = "dedicated"
      account_id = "\(options.accountID)"
      cluster_id = "\(options.clusterID)"
      """
    case .clustered: "product = \"clustered\""
    }
  }

  /// A profile whose place is told beside it: influxctl's file has no key for a console other than InfluxData's, and
  /// no host without TLS.
  private func writeProfile(
    _ path: String, _ server: SandboxServer, _ options: SandboxOptions
  ) throws {
    let token = options.managementToken.withUnsafeBytes { Array($0) }
    let text = """
      # Written by `tokenrotate sandbox`: to be used with --management-url \(server.managementURL)
      # and --host \(server.url)
      [[profile]]
      name = "default"
      \(identity(options))
      mgmt_token = "
      """
    try replace(path, with: Array(text.utf8) + token + Array("\"\n".utf8))
  }

  /// Writes a file aside and renames it, so that whoever waits for it never sees half of it.
  private func replace(_ path: String, with bytes: [UInt8]) throws {
    let new = path + ".new"
    try context.files.removeFileIfPresent(new)
    let file = try context.files.openFile(new, for: .createNew(mode: 0o600))
    defer { file.close() }
    try file.append(bytes)
    try context.files.rename(new, to: path, replacing: true)
  }
}
