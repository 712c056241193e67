import Arguments
import JSONText
import JobFiles
import Reporting
import RotationPorts

/// `check`: job files and CSVs, without the network and without any state.
struct CheckCommand {
  let context: CommandContext

  private struct Checked {
    var job: String
    var rows: Int?
    var problem: Problem?
  }

  func run() async -> ExitCode {
    let set: JobSet
    do {
      set = try JobSet.load(arguments: context.invocation.operands, defaults: context.defaultsPath)
    } catch {
      return tell([], failure: Problem(code: "bad_input", message: error.message, hint: error.hint))
    }
    var checked = set.failures.map { failure in
      Checked(job: failure.path, problem: context.problem(of: failure, refusingPast: true))
    }
    for job in set.jobs {
      do {
        let rows = try context.specification(of: job, refusingPast: true).reader.validate()
        checked.append(Checked(job: job.name, rows: rows))
      } catch {
        checked.append(Checked(job: job.name, problem: Problem(any: error)))
      }
    }
    return tell(checked, failure: nil)
  }

  private func tell(_ checked: [Checked], failure: Problem?) -> ExitCode {
    let isBad = failure != nil || checked.contains { $0.problem != nil }
    let code: ExitCode = isBad ? .badInput : .done
    for problem in [failure].compactMap(\.self) + checked.compactMap(\.problem) {
      context.tell(problem)
    }
    if context.style.format == .json {
      var json = JSONWriter()
      json.object { json in
        json.key("exit")
        json.integer(Int(code.rawValue))
        json.key("error")
        json.problem(failure)
        json.key("jobs")
        json.beginArray()
        for one in checked {
          json.object { json in
            json.key("job")
            json.string(one.job)
            json.key("rows")
            if let rows = one.rows { json.integer(rows) } else { json.null() }
            json.key("error")
            json.problem(one.problem)
          }
        }
        json.endArray()
      }
      context.output.write(json.take() + "\n")
    } else if !context.style.isQuiet {
      for one in checked where one.problem == nil {
        context.output.write("\(one.job): \(one.rows ?? 0) rows, in order\n")
      }
    }
    return code
  }
}

extension CommandContext {
  /// A problem as people read it, on standard error: each line of its message, then the hint. Errors of
  /// files stand without a label, so that editors find their places.
  func tell(_ problem: Problem) {
    let label = problem.namesPlaces ? "" : "error: "
    for line in problem.message.split(separator: "\n") {
      errors.write("\(label)\(VisibleText.line(line))\n")
    }
    if let hint = problem.hint { errors.write("  hint: \(VisibleText.line(hint))\n") }
  }
}
