import FileSystem
import Reporting
import RotationPorts

/// The file that `--metrics` names: written aside and renamed, so that its reader sees the old one or the new one.
struct MetricsFile {
  let path: String
  let files: any FileSystem

  /// More than this is not a file of ours.
  private static let maximumBytes = 16 << 20

  /// Throws `Problem`, which is a warning: that nobody can watch a rotation does not make it fail.
  func write(_ metrics: RunMetrics) throws(Problem) {
    // The collector takes what ends in .prom.
    let aside = path + ".new"
    do throws(FileSystemError) {
      let old = try files.readFileIfPresent(path, maximumBytes: MetricsFile.maximumBytes) ?? []
      let before = LastSuccesses(in: String(decoding: old, as: UTF8.self))
      _ = try files.removeFileIfPresent(aside)
      let file = try files.openFile(aside, for: .createNew(mode: 0o644))
      defer { file.close() }
      // The exporter is another user, and nothing in it is a secret.
      try file.setMode(0o644)
      try file.append(Array(PrometheusText.of(metrics, after: before).utf8))
      try files.rename(aside, to: path, replacing: true)
    } catch {
      throw Problem(
        code: "metrics", message: "the metrics could not be written: \(error.message)",
        hint: "look at the folder of --metrics; the run itself is not affected")
    }
  }
}
