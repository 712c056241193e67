import RotationPorts
import Testing

@Suite struct JobBindingTests {
  @Test func storesAreNamedByTheirKind() {
    let binding = JobBinding(cluster: "c", stores: ["file:raw:/a", "vault:x", "file:raw:/b", "file:env:/c"])
    #expect(binding.storeNames == ["file", "vault", "file-2", "file-3"])
  }

  /// Events call a store by its name: the second one must not become the first by the first one's going.
  @Test func aStoreKeepsItsNameWhereverItStands() {
    let known = JobBinding(cluster: "c", stores: ["file:raw:/a", "file:raw:/b"])
    func names(_ stores: String...) -> [String] { JobBinding.names(of: stores, known: known) }
    #expect(names("file:raw:/b") == ["file-2"])
    #expect(names("file:raw:/b", "file:raw:/a") == ["file-2", "file"])
    #expect(names("file:raw:/c", "file:raw:/b") == ["file-3", "file-2"])
    #expect(names("vault:x", "file:raw:/a") == ["vault", "file"])
  }
}
