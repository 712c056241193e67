import Arguments
import InfluxAPI
import JobFiles
import RotationModel
import RotationPorts

/// `import`: a CSV of the tokens that exist on the cluster, to be taken over by a job.
struct ImportCommand {
  let context: CommandContext

  func run() async -> ExitCode {
    let target: TokenTarget
    let known: Known
    do {
      target = try TokenTarget(context)
      known = target.isOfJob ? Known(of: target.job, context) : Known()
    } catch {
      context.tell(Problem(any: error))
      return .badInput
    }
    defer { target.client.shutdown() }
    let tokens: [TokenRecord]
    do throws(ServiceError) {
      tokens = try await target.service.listTokens { $0.revokedAt == nil }.tokens
    } catch {
      context.tell(Problem(error))
      return error.code == .credentialRefused ? .credentialRefused : .failed
    }
    let imported = ImportedRows(
      tokens, names: known.names, replaced: known.replaced, now: context.clock.now)
    context.output.write(SpecificationWriter.header)
    for row in imported.rows { context.output.write(SpecificationWriter.line(row)) }
    if !context.style.isQuiet { tell(imported) }
    return .done
  }

  private func tell(_ imported: ImportedRows) {
    func say(_ text: String) { context.errors.write(text + "\n") }
    say("\(imported.rows.count) tokens imported")
    for reason in ImportedRows.Reason.allCases {
      if let count = imported.leftOut[reason] { say("\(count) left out: \(reason.rawValue)") }
    }
    if !imported.cleaned.isEmpty {
      let shown =
        imported.cleaned.prefix(10).joined(separator: ", ") + (imported.cleaned.count > 10 ? ", …" : "")
      say("\(imported.cleaned.count) with a description that a CSV cannot hold as it is; look at \(shown)")
    }
    let expiring = imported.rows.count { $0.expiresAt != nil }
    if expiring > 0 {
      say("\(expiring) with the expiry of the token that exists: expires_in lets it be renewed")
    }
  }

  /// What the job's CSV has already. One that is not there, is empty, or is wrong has nothing: it may be the very
  /// file that this call is to fill.
  private struct Known {
    var names: Set<String> = []
    var replaced: Set<String> = []

    init() {}

    init(of job: Job, _ context: CommandContext) {
      guard let specification = try? context.specification(of: job) else { return }
      var known = Known()
      do {
        try specification.reader.forEachRow { row in
          known.names.insert(row.name)
          if let id = row.replaces { known.replaced.insert(id) }
        }
        self = known
      } catch {}
    }
  }
}
