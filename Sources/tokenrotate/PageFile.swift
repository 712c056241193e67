import FileSystem
import Glibc
import Locks
import Reporting
import RotationPorts

/// The file that `report --output` names: written aside and renamed, so that a web server sees the old page or the new
/// one.
struct PageFile {
  let path: String
  let files: any FileSystem

  /// Throws `Problem`, after which the old page is as it was.
  func write(_ report: HTMLReport) throws(Problem) {
    // Beside it, under a name that is nobody's: two calls at once, or a file of the user's, are in nobody's way.
    let aside = "\(FilePaths.parent(of: path))/.tokenrotate-report.\(getpid()).new"
    do {
      // A device or a link would be replaced by a file, and whoever reads through it would not see the page.
      if let status = try files.statusIfPresent(path), status.kind != .file {
        throw Problem(
          code: "page", message: "\(path) is not a regular file: it was left as it is",
          hint: "name a file with --output, or leave it out and redirect standard output")
      }
      try files.removeFileIfPresent(aside)
      let file = try files.openFile(aside, for: .createNew(mode: 0o640))
      defer { file.close() }
      // For the group that the folder gives its files, whatever the umask: a web server's, or nobody's.
      try file.setMode(0o640)
      let sink = FileSink(file)
      try report.write(to: sink)
      if let error = sink.error { throw error }
      try files.rename(aside, to: path, replacing: true)
    } catch {
      _ = try? files.removeFileIfPresent(aside)
      if let problem = error as? Problem { throw problem }
      throw Problem(
        code: "page", message: "the page could not be written: \(Problem(any: error).message)",
        hint: "look at the folder of --output; an old page there is as it was")
    }
  }
}

/// Writes to the end of a file, and remembers the first failure, after which nothing more is written.
private final class FileSink: TextSink {
  private let file: any OpenFile
  private let failure = Locked<FileSystemError?>(nil)

  init(_ file: any OpenFile) { self.file = file }

  var error: FileSystemError? { failure.withLock { $0 } }

  func write(_ text: String) {
    failure.withLock { failure in
      guard failure == nil else { return }
      do throws(FileSystemError) { try file.append(Array(text.utf8)) } catch { failure = error }
    }
  }
}
