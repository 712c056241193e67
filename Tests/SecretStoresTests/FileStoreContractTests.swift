import FileSystem
import Foundation
import RotationModel
import RotationPorts
import RotationTestKit
import SecretStores
import Testing

@Suite struct FileStoreContractTests {
  @Test(arguments: SecretStoreContract.Rule.allCases, FileStoreFormat.allCases)
  func onASimulatedDisk(_ rule: SecretStoreContract.Rule, _ format: FileStoreFormat) async throws {
    let disk = SimulatedDisk()
    try await contract(disk, "/srv/tokens", format).check(rule)
  }

  @Test(arguments: SecretStoreContract.Rule.allCases)
  func onTheMachinesDisk(_ rule: SecretStoreContract.Rule) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let threads = try BlockingThreads(count: 1)
    try await contract(POSIXFileSystem(), folder, .raw, threads).check(rule)
  }

  private func contract(
    _ files: any FileSystem, _ directory: String, _ format: FileStoreFormat,
    _ executor: (any TaskExecutor)? = nil
  ) -> SecretStoreContract {
    SecretStoreContract { installation in
      FileStore(
        settings: FileStoreSettings(
          name: "files", directory: directory, format: format, installation: installation),
        fileSystem: files, executor: executor)
    }
  }
}
