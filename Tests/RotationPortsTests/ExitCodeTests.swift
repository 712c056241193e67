import RotationPorts
import Testing

struct ExitCodeTests {
  /// INTERFACE.md: a signal's, then the first of 7, 4, 2, 1, 6, 5, 8; 3 stands alone.
  private static let order: [Int32] = [130, 143, 7, 4, 2, 1, 6, 5, 8, 10, 0]

  @Test func ofTwoTheOneThatComesFirstCounts() throws {
    for (index, first) in ExitCodeTests.order.enumerated() {
      for second in ExitCodeTests.order[index...] {
        let pair = [try #require(ExitCode(rawValue: first)), try #require(ExitCode(rawValue: second))]
        #expect(ExitCode.worst(pair).rawValue == first)
        #expect(ExitCode.worst(pair.reversed()).rawValue == first)
      }
    }
  }

  @Test func everyCodeCountsWhenItStandsAlone() {
    for code in ExitCode.allCases { #expect(ExitCode.worst([code]) == code) }
    #expect(ExitCode.worst([]) == .done)
    #expect(ExitCode.worst(ExitCode.allCases).rawValue == 130)
  }

  @Test func theNumbersAreThoseOfTheInterface() {
    #expect(Set(ExitCode.allCases.map(\.rawValue)) == Set(ExitCodeTests.order + [3]))
    #expect(ExitCode.auditBroken.rawValue == 7 && ExitCode.credentialRefused.rawValue == 4)
    #expect(ExitCode.badInput.rawValue == 2 && ExitCode.failed.rawValue == 1)
    #expect(ExitCode.undelivered.rawValue == 6 && ExitCode.notActiveYet.rawValue == 5)
    #expect(ExitCode.needsPerson.rawValue == 8 && ExitCode.locked.rawValue == 3)
    #expect(ExitCode.interrupted.rawValue == 130 && ExitCode.terminated.rawValue == 143)
  }
}

struct RandomSourceTests {
  private struct Fixed: RandomSource {
    var bits: UInt64
    func next() -> UInt64 { bits }
  }

  @Test(arguments: [UInt64.min, 1, 2047, 2048, 1 << 63, .max - 2048, .max])
  func fractionsStayBelowOne(bits: UInt64) {
    let fraction = Fixed(bits: bits).fraction()
    #expect((0..<1).contains(fraction))
  }

  @Test func fractionsCoverTheWholeRange() {
    #expect(Fixed(bits: 0).fraction() == 0)
    #expect(Fixed(bits: 1 << 63).fraction() == 0.5)
    #expect(Fixed(bits: .max).fraction() > 0.999_999_999_999)
  }
}
