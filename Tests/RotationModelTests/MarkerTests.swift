import RotationModel
import Testing

struct MarkerTests {
  static let marker = Marker(
    installation: InstallationID(bits: 0xFEED), job: "plant", name: "pump.1",
    attempt: AttemptID(bits: 0x1234_5678_9ABC_DEF0))
  static let text = "[tokenrotate 000000000000feed/plant/pump.1#123456789abcdef0]"

  @Test func theShapeIsTheDocumentedOne() {
    #expect(MarkerTests.marker.text == MarkerTests.text)
    #expect(MarkerTests.marker.described("") == MarkerTests.text)
    #expect(MarkerTests.marker.described("Pump 1") == "Pump 1 \(MarkerTests.text)")
  }

  @Test(arguments: [
    "", "x", " ", "x ", "x  ", "a [b] c", "[", "]", "mentions [tokenrotate ", text, "\(text)x", "é\u{301}",
    "ends with a prepended mark \u{600}", "👩‍👩‍👧", "line\nbreak", "\u{200D}", "\t",
  ])
  func aDescriptionSurvivesItsMarker(description: String) {
    let split = Marker.split(MarkerTests.marker.described(description))
    #expect(split.marker == MarkerTests.marker)
    #expect(Array(split.description.utf8) == Array(description.utf8))
  }

  @Test(arguments: [
    "", "]", "[tokenrotate ]", "[tokenrotate", "tokenrotate 000000000000feed/plant/pump#123456789abcdef0]",
    "\(text) ", "\(text).", "\(text)]", "x \(text)\n",
    "[Tokenrotate 000000000000feed/plant/p#123456789abcdef0]",
    "[tokenrotate 000000000000FEED/plant/pump#123456789abcdef0]",
    "[tokenrotate 000000000000feed/plant/pump#123456789ABCDEF0]",
    "[tokenrotate 000000000000fee/plant/pump#123456789abcdef0]",
    "[tokenrotate 000000000000feed/plant#123456789abcdef0]",
    "[tokenrotate 000000000000feed/plant/a/b#123456789abcdef0]",
    "[tokenrotate 000000000000feed/plant/a#b#123456789abcdef0]",
    "[tokenrotate 000000000000feed/plant/#123456789abcdef0]",
    "[tokenrotate 000000000000feed//pump#123456789abcdef0]",
    "[tokenrotate 000000000000feed/../pump#123456789abcdef0]",
    "[tokenrotate 000000000000feed/plant/pu mp#123456789abcdef0]",
    "[tokenrotate 000000000000feed/plant/pump#123456789abcdef]",
    "[tokenrotate  000000000000feed/plant/pump#123456789abcdef0]",
    "[tokenrotate 000000000000feed/plant/pump#123456789abcdef0",
    "[tokenrotate \u{301}000000000000feed/plant/pump#123456789abcdef0]",
    "[\u{301}tokenrotate 000000000000feed/plant/pump#123456789abcdef0]",
    "[tokenrotate 000000000000feed/plant/pump#123456789abcdef0]\u{301}",
    "[tokenrotate 000000000000feed/plant/pump#\u{FE0F}123456789abcdef0]",
  ])
  func whatMerelyLooksLikeAMarkerIsTheUsersText(description: String) {
    let split = Marker.split(description)
    #expect(split.marker == nil)
    #expect(Array(split.description.utf8) == Array(description.utf8))
  }

  @Test func ofNestedMarkersTheLastCounts() {
    let inner = Marker(
      installation: InstallationID(bits: 1), job: "other", name: "n", attempt: AttemptID(bits: 2))
    let split = Marker.split(MarkerTests.marker.described(inner.described("x")))
    #expect(split.marker == MarkerTests.marker)
    #expect(Marker.split(split.description).marker == inner)
  }

  @Test func randomMarkersSurviveTheRoundTrip() {
    var seeded = Seeded(3)
    let letters = Array("abcXYZ019")
    let more = letters + Array("._-")
    func name() -> String {
      var name = String(letters.randomElement(using: &seeded)!)
      for _ in 0..<Int.random(in: 0...127, using: &seeded) {
        name.append(more.randomElement(using: &seeded)!)
      }
      return name
    }
    for _ in 0..<500 {
      let marker = Marker(
        installation: InstallationID(bits: seeded.next()), job: name(), name: name(),
        attempt: AttemptID(bits: seeded.next() >> UInt64.random(in: 0...63, using: &seeded)))
      #expect(Marker.split(marker.described("d")).marker == marker)
      #expect(AttemptID(marker.attempt.text) == marker.attempt)
      #expect(InstallationID(marker.installation.text) == marker.installation)
    }
  }

  @Test(arguments: ["", "0", "123456789abcdef", "123456789abcdef01", "123456789ABCDEF0", "123456789abcdeg0"])
  func idsAreSixteenLowerCaseDigits(text: String) {
    #expect(AttemptID(text) == nil)
    #expect(InstallationID(text) == nil)
  }
}
