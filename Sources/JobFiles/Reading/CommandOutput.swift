import RotationModel
import RotationPorts
internal import Subprocesses

/// Runs a program and takes what it writes to its standard output.
enum CommandOutput {
  /// How much of its standard error an error message shows.
  private static let shownErrorBytes = 1000

  /// Blocks until the program ends. It gets no descriptor of ours, an empty standard input, and of the
  /// environment only PATH, HOME and LANG.
  ///
  /// - Throws: `FileError` when it cannot be started, fails, writes more than `maximumBytes`, or takes
  ///   longer than `timeout`; then it is killed with everything it started in its process group.
  static func read(
    _ arguments: [String], environment: [String: String], timeout: Duration, maximumBytes: Int
  ) throws(FileError) -> [UInt8] {
    let program = arguments.first ?? ""
    let subprocess = Subprocess(
      arguments, environment: environment.filter { Subprocess.inheritedVariables.contains($0.key) },
      timeout: timeout, output: .first(bytes: maximumBytes), errors: .first(bytes: shownErrorBytes))
    var result: Subprocess.Result
    do throws(SubprocessError) {
      result = try subprocess.run()
    } catch { throw FileError(.commandFailed, error.message) }
    guard !result.outputIsCut else {
      result.output.wipe()
      throw FileError(.tooLong, "\(program) wrote more than \(maximumBytes) bytes")
    }
    switch result.ending {
    case .exited(0): return result.output
    case .timedOut:
      result.output.wipe()
      throw FileError(.commandFailed, "\(program) did not end within \(DurationText.format(timeout))")
    case .exited, .signalled:
      result.output.wipe()
      let words = Subprocess.oneLine(result.errors)
      throw FileError(
        .commandFailed, "\(program) failed (\(result.ending.words))\(words.isEmpty ? "" : ": \(words)")")
    }
  }
}
