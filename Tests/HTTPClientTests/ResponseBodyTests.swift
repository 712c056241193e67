import RotationPorts
import Testing

@testable import HTTPClient

/// Invariant 7, in memory: a new token's string is where it is used and nowhere else.
@Suite struct ResponseBodyTests {
  private struct Filled {
    var body: ResponseBody
    var whole: [UInt8] = []
    /// The bytes of each storage that was given up, as they were when it went.
    var outgrown: [[UInt8]] = []
  }

  private func filled(isSecret: Bool, pieces: Int, pieceBytes: Int) -> Filled {
    var filled = Filled(body: ResponseBody(isSecret: isSecret))
    for index in 0..<pieces {
      let piece = (0..<pieceBytes).map { UInt8(truncatingIfNeeded: $0 + index) | 1 }
      filled.whole += piece
      piece.withUnsafeBytes { bytes in
        filled.body.append(bytes) { old in
          if !old.isEmpty { filled.outgrown.append(Array(old)) }
        }
      }
    }
    return filled
  }

  @Test func whatIsOutgrownIsWiped() {
    var filled = filled(isSecret: true, pieces: 50, pieceBytes: 1000)
    #expect(filled.outgrown.count >= 3)
    #expect(filled.outgrown.allSatisfy { $0.allSatisfy { $0 == 0 } })
    // Doubling: each time as much again, so that a long answer is not copied for each piece.
    #expect(filled.outgrown.count <= 6)
    #expect(filled.body.take() == filled.whole)
  }

  @Test func anAnswerToACreationNeverGrows() {
    let filled = filled(isSecret: true, pieces: 4, pieceBytes: 1000)
    #expect(filled.outgrown.isEmpty)
  }

  @Test func whatIsTakenIsGoneAndWhole() {
    var filled = filled(isSecret: true, pieces: 2, pieceBytes: 10)
    let taken = filled.body.take()
    filled.body.wipe()
    #expect(taken == filled.whole)
    #expect(filled.body.count == 0)
  }

  @Test func whatNobodyTookIsWipedIfItIsSecret() {
    for isSecret in [true, false] {
      var filled = filled(isSecret: isSecret, pieces: 2, pieceBytes: 10)
      filled.body.wipe()
      #expect(filled.body.take().allSatisfy { $0 == 0 } == isSecret)
    }
  }

  /// Only what is never sent again makes tokens; a listing of 38 MB needs no wiping.
  @Test(arguments: [(HTTPRequest.Method.post, true), (.get, false), (.patch, false)])
  func theBodyOfAPostIsSecret(method: HTTPRequest.Method, isSecret: Bool) {
    let transfer = Transfer(
      HTTPRequest(method, "http://127.0.0.1"), operation: "\(method)", started: .now)
    #expect(transfer.responseBody.isSecret == isSecret)
  }
}
