import HTTPClient
import RotationModel
import Testing

@Suite struct HTTPDateTests {
  @Test(arguments: [
    ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Tue, 29 Feb 2028 23:59:59 GMT", 1_835_481_599), ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
  ])
  func fixedDateIsRead(text: String, seconds: Int64) {
    #expect(Instant(httpDate: text) == Instant(milliseconds: seconds * 1000))
  }

  @Test(arguments: [
    "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT", "Son, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
    "Sun, 06 Nov 1994 08:49:37 +00", "Sun, 0ü Nov 1994 08:49:7 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
  ])
  func anythingElseIsNil(text: String) {
    #expect(Instant(httpDate: text) == nil)
  }
}
