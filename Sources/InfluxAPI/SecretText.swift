internal import JSONText
internal import RotationPorts

extension JSONScanner {
  /// The string as a secret, its only copy beside the scanned bytes.
  func secret(_ raw: RawString) throws(Malformed) -> Secret {
    // The decoded bytes are never more than the raw ones.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: raw.count, alignment: 1)
    defer {
      Secret.wipe(buffer)
      buffer.deallocate()
    }
    var count = 0
    try decode(raw) {
      buffer[count] = $0
      count += 1
    }
    return Secret(copying: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
  }
}
