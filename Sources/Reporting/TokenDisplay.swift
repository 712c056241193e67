internal import Glibc
internal import Locks
public import RotationPorts

/// Shows a new token on an open file descriptor, standard output as a rule, and says when that failed.
public final class TokenDisplay: SecretDisplay {
  private let descriptor: Int32
  private let forms: TokenForms
  private let shown = Locked<ShownToken?>(nil)

  public init(descriptor: Int32, forms: TokenForms) {
    self.descriptor = descriptor
    self.forms = forms
  }

  /// What was shown, for whoever waits until it works; nil: nothing was.
  public var token: ShownToken? { shown.withLock { $0 } }

  public func show(_ token: ShownToken) async throws(DisplayError) {
    let (before, after) = forms.halves(around: token)
    let number =
      write(before) ?? token.accessToken.withUnsafeBytes { bytes in
        withoutPipeSignal { writeAll(bytes, to: descriptor) }
      } ?? write(after) ?? synchronize()
    if let number {
      throw DisplayError(message: "standard output: \(String(cString: strerror(number)))")
    }
    shown.withLock { $0 = token }
  }

  private func write(_ text: String) -> Int32? {
    withoutPipeSignal {
      var text = text
      return text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
    }
  }

  /// A file may refuse only now what it took before; pipes and terminals have nothing to synchronize.
  private func synchronize() -> Int32? {
    guard fsync(descriptor) != 0, errno != EINVAL, errno != EROFS, errno != ENOTSUP else { return nil }
    return errno
  }
}
