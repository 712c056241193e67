import Foundation
import JobFiles
import RotationModel
import Testing

/// A folder of its own for one test, removed with the last reference.
final class Workspace {
  let path: String

  init() throws {
    let template = FileManager.default.temporaryDirectory.path + "/jobfiles-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: template, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    path = template
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Writes a file and gives its path.
  @discardableResult
  func write(_ name: String, _ bytes: some Sequence<UInt8>, mode: Int = 0o644) throws -> String {
    let file = "\(path)/\(name)"
    let folder = (file as NSString).deletingLastPathComponent
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    return file
  }

  @discardableResult
  func write(_ name: String, _ text: String, mode: Int = 0o644) throws -> String {
    try write(name, text.utf8, mode: mode)
  }
}

/// Nobody in particular: the rules for root are tested by themselves.
let untrusting = TrustRule(userID: 1000)

/// 2026-11-24T03:00:00Z
let testNow = Instant(milliseconds: 1_795_489_200_000)

/// `line:column message`, the file left out.
func short(_ error: JobFileError) -> String {
  "\(error.line):\(error.column) \(error.message)"
}

/// The errors of loading a job, each in one line.
func jobErrors(_ text: String, defaults: String? = nil) throws -> [JobFileError] {
  let workspace = try Workspace()
  let path = try workspace.write("job.toml", text)
  let base = try defaults.map { try workspace.write("defaults.toml", $0) }
  do throws(JobFileErrors) {
    _ = try Job.load(path: path, defaults: base, trust: untrusting)
    return []
  } catch {
    return error.errors
  }
}

/// A reader of a CSV with these bytes.
func reader(
  _ bytes: some Sequence<UInt8>, policy: PolicySettings? = nil, rotation: RotationBounds? = nil,
  in workspace: Workspace
) throws -> SpecificationReader {
  let path = try workspace.write("tokens.csv", bytes)
  return try SpecificationReader(
    path: path, shownAs: "tokens.csv", policy: policy, rotation: rotation, now: testNow, trust: untrusting)
}

/// The rows of a CSV.
func rows(
  _ text: String, policy: PolicySettings? = nil, rotation: RotationBounds? = nil
) throws -> [SpecificationRow] {
  let workspace = try Workspace()
  var rows: [SpecificationRow] = []
  try reader(text.utf8, policy: policy, rotation: rotation, in: workspace).forEachRow { rows.append($0) }
  return rows
}

/// The errors of a CSV.
func csvErrors(
  _ bytes: some Sequence<UInt8>, policy: PolicySettings? = nil, rotation: RotationBounds? = nil
) throws -> [JobFileError] {
  let workspace = try Workspace()
  do {
    _ = try reader(bytes, policy: policy, rotation: rotation, in: workspace).validate()
    return []
  } catch let error as JobFileErrors {
    return error.errors
  }
}
