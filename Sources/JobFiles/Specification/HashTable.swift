/// A set of 64-bit hashes in 11 to 22 bytes each, so that a million names fit in about 16 MB.
///
/// Open addressing with linear probing, at most three quarters full.
struct HashTable {
  /// 0 marks a free slot.
  private var slots: [UInt64] = Array(repeating: 0, count: 1024)
  private var count = 0

  /// False when the hash was there before.
  mutating func insert(_ hash: UInt64) -> Bool {
    if count * 4 >= slots.count * 3 { grow() }
    return place(hash == 0 ? 1 : hash)
  }

  private mutating func place(_ hash: UInt64) -> Bool {
    let mask = slots.count - 1
    var index = Int(truncatingIfNeeded: hash) & mask
    while slots[index] != 0 {
      if slots[index] == hash { return false }
      index = (index + 1) & mask
    }
    slots[index] = hash
    count += 1
    return true
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: 0, count: old.count * 2)
    count = 0
    for hash in old where hash != 0 { _ = place(hash) }
  }
}
