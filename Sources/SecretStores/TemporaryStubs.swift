public import RotationPorts
extension FileStore {
  public func rollBack(from: Int, to: Int, at place: StorePlace) async throws(StoreError) {}
  public func withdraw(generation: Int, at place: StorePlace) async throws(StoreError) {}
  public func relocate(from old: StorePlace, to place: StorePlace) async throws(StoreError) {}
}
