public import RotationPorts
extension FileStore {
  public func withdraw(generation: Int, at place: StorePlace) async throws(StoreError) {}
  public func relocate(from old: StorePlace, to place: StorePlace) async throws(StoreError) {}
}
