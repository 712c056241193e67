import Foundation
import Testing

/// The state directory on a disk of its own, which is nearly full.
@Suite(.fewAtATime) struct FullDiskTests {
  /// Mounting takes root, and a container may forbid it all the same.
  static let canMount: Bool = {
    guard geteuid() == 0 else { return false }
    guard let disk = try? SmallDisk(at: NSTemporaryDirectory() + "tokenrotate-disk-\(getpid())", size: "64k")
    else { return false }
    disk.unmount()
    rmdir(disk.path)
    return true
  }()
  /// Where nothing is to be skipped unnoticed, a missing permission fails.
  static let isRequired = ProcessInfo.processInfo.environment["CI"] == "true"

  @Test(.enabled(if: canMount || isRequired, "a small file system cannot be mounted here"))
  func withoutRoomNothingIsSentAndNothingIsLost() async throws {
    let workspace = try Workspace()
    let disk = try SmallDisk(at: workspace.path("state"), size: "3m")
    defer { disk.unmount() }
    let sandbox = try await workspace.startSandbox("--activation-delay", "0s", "--activation-spread", "0s")
    try workspace.writeJob(rows: Workspace.rows(1...2))
    #expect(try await workspace.run("run", "job.toml", "--state", "state").code == 0)
    try workspace.writeRows(Workspace.rows(1...12))
    try disk.fill()
    let full = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(full.code == 1, "\(full.everything)")
    #expect(full.errors.contains("state/"), "\(full.everything)")
    #expect(full.errors.contains("make room"), "\(full.everything)")
    #expect(try await sandbox.creations() == 2)
    // With ever more room, wherever it runs out: what was created is in the store or revoked again.
    for freeKilobytes in [8, 16, 32, 64, 96, 128, 192, 256] {
      try disk.fill(leaving: freeKilobytes)
      let outcome = try await workspace.run("run", "job.toml", "--state", "state")
      #expect([0, 1, 6, 7].contains(outcome.code), "\(freeKilobytes) KiB: \(outcome.everything)")
      if outcome.code == 0 { break }
    }
    disk.makeRoom()
    let roomy = try await workspace.run("run", "job.toml", "--state", "state")
    #expect(roomy.code == 0, "\(roomy.everything)")
    #expect(workspace.delivered().count == 12)
    #expect(try await sandbox.liveTokens().count == 12)
    let verified = try await workspace.run("audit", "verify", "--state", "state")
    #expect(verified.code == 0, "\(verified.everything)")
    try await sandbox.expectGoodConduct()
  }
}

/// A small file system in memory.
struct SmallDisk {
  let path: String
  private var filler: String { path + "/filler" }

  init(at path: String, size: String) throws {
    self.path = path
    mkdir(path, 0o711)
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(size),mode=711") == 0 else {
      throw ChildProgram.Failure(description: "tmpfs at \(path): \(String(cString: strerror(errno)))")
    }
  }

  func unmount() { umount2(path, Int32(MNT_DETACH)) }

  /// Takes all the room but so much.
  func fill(leaving kilobytes: Int = 0) throws {
    unlink(filler)
    var status = statvfs()
    try #require(statvfs(path, &status) == 0)
    let free = Int(status.f_bavail) * Int(status.f_frsize)
    let descriptor = open(filler, O_WRONLY | O_CREAT, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let wanted = free - kilobytes * 1024
    if wanted > 0 { try #require(posix_fallocate(descriptor, 0, off_t(wanted)) == 0) }
  }

  func makeRoom() { unlink(filler) }
}
