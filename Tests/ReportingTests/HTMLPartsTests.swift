import Foundation
import RotationModel
import RotationPorts
import Testing

@testable import Reporting

/// The parts that the page of `report` is made from.
struct HTMLPartsTests {
  private func written(_ write: (inout HTMLWriter) -> Void) -> String {
    let sink = MemorySink()
    var writer = HTMLWriter { sink.write($0) }
    write(&writer)
    writer.flush()
    return sink.text
  }

  // MARK: Writer

  @Test func textAndAttributesCannotBecomeMarkup() {
    let text = written { page in
      page.element(.td, [.class("\"><script>"), .label("a&b'c")], "</td><b>&lt;\u{7}\u{2028}")
    }
    #expect(
      text
        == "<td class=\"&quot;&gt;&lt;script&gt;\" aria-label=\"a&amp;b&#39;c\">"
        + "&lt;/td&gt;&lt;b&gt;&amp;lt;\\u{7}\\u{2028}</td>")
  }

  @Test func elementsNestAndVoidOnesHaveNoEnd() {
    let text = written { page in
      page.element(.tr) { page in
        page.element(.td, [], "1")
        page.element(.meta, [HTMLAttribute(.charset, "utf-8")])
      }
    }
    #expect(text == "<tr><td>1</td><meta charset=\"utf-8\"></tr>")
  }

  @Test func whatIsWrittenComesInPieces() {
    let sink = MemorySink()
    var writer = HTMLWriter { sink.write($0) }
    for _ in 0..<40_000 { writer.element(.td, [], "0123456789") }
    #expect(sink.writes.count >= 9, "not only when it is flushed")
    writer.flush()
    #expect(sink.text.utf8.count == 40_000 * 19)
  }

  // MARK: Numbers

  @Test func quantilesAreThoseOfTheNearestRank() throws {
    var few = Latencies()
    #expect(few.median == nil && few.quantile(1) == nil)
    for milliseconds in [200, 40, 10, 30, 20] { few.add(.milliseconds(milliseconds)) }
    #expect(few.median == .milliseconds(30) && few.quantile(0.9) == .milliseconds(200))
    #expect(few.quantile(0) == .milliseconds(10) && few.longest == .milliseconds(200))
    #expect(few.shortest == .milliseconds(10) && few.count == 5)
    var negative = Latencies()
    negative.add(.seconds(-5))
    #expect(negative.median == .zero)
  }

  @Test func manySpansAreKnownToWithinOnePerCent() throws {
    var all = Latencies()
    var (first, second) = (Latencies(), Latencies())
    for index in 1...20_000 {
      // From milliseconds to days.
      let span = Duration.milliseconds(Int64(index) * Int64(index))
      all.add(span)
      if index.isMultiple(of: 2) { first.add(span) } else { second.add(span) }
    }
    for fraction in [0.01, 0.25, 0.5, 0.9, 0.999] {
      let rank = (fraction * 20_000).rounded(.up)
      let exact = rank * rank / 1000
      let found = try #require(all.quantile(fraction)).seconds
      #expect(abs(found - exact) <= exact * 0.01, "\(fraction): \(found) and not \(exact)")
    }
    #expect(all.quantile(1) == .seconds(400_000))
    first.add(second)
    #expect(first == all)
  }

  @Test func bucketsTakeTheirUpperBound() {
    var buckets = Buckets(bounds: [.seconds(1), .seconds(10)])
    #expect(buckets.occupied == nil)
    for seconds in [2, 10, 10, 11] { buckets.add(.seconds(seconds)) }
    #expect(buckets.counts == [0, 3, 1] && buckets.occupied == 1...2 && buckets.total == 4)
    buckets.add(.seconds(1))
    #expect(buckets.counts == [1, 3, 1])
  }

  @Test func theFirstFewAreKeptInOrder() {
    var few = FirstFew<Int>(3) { $0 < $1 }
    for number in [5, 1, 4, 9, 2, 1] { few.add(number) }
    #expect(few.elements == [1, 1, 2] && few.total == 6)
    var asTheyCome = FirstFew<Int>(2) { _, _ in false }
    for number in [5, 1, 4] { asTheyCome.add(number) }
    #expect(asTheyCome.elements == [5, 1])
  }

  @Test(arguments: [
    (0, "0.0\u{a0}s"), (149, "0.1\u{a0}s"), (1250, "1.3\u{a0}s"), (9940, "9.9\u{a0}s"), (9960, "10\u{a0}s"),
    (99_400, "99\u{a0}s"),
    (125_000, "2m 5s"), (7_200_000, "2h"),
  ]) func latenciesAreAsPreciseAsPeopleReadThem(milliseconds: Int64, text: String) {
    #expect(Duration.milliseconds(milliseconds).latencyText == text)
  }

  @Test func commandsInSentencesAreCode() {
    #expect(
      written { $0.prose("say `a <b>`, then `c`") } == "say <code>a &lt;b&gt;</code>, then <code>c</code>")
    #expect(written { $0.prose("a ` alone") } == "a ` alone")
  }

  @Test func numbersAndDatesReadWell() {
    #expect(counted(1, "token") == "1 token" && counted(0, "token") == "0 tokens")
    #expect(
      20_000.grouped == "20\u{202f}000" && 999.grouped == "999"
        && 1_234_567.grouped == "1\u{202f}234\u{202f}567")
    let instant = Instant(milliseconds: 1_764_040_000_000)
    #expect(instant.minuteText == "2025-11-25 03:06" && instant.shortDayText == "25 Nov")
    #expect(Duration.seconds(59).ageText == "under 1m" && Duration.seconds(90_061).ageText == "1d 1h")
    #expect([0, 0.5, 1, 2, 0.12345].map(percent) == ["0.00%", "50.00%", "100.00%", "100.00%", "12.35%"])
  }

  // MARK: Pictures

  @Test func columnsAreAsHighAsTheirCounts() throws {
    let text = written { page in
      ColumnChart(
        [
          .init(label: "now", title: "late: 60", count: 60, isStriking: true),
          .init(label: "25 Nov", title: "week: 30", count: 30, isStriking: false),
          .init(label: "2 Dec", title: "none", count: 0, isStriking: false),
        ], label: "due <soon>"
      ).write(&page)
    }
    let heights = text.matches(
      of: #/<rect class="([a-z ]+)" x="([0-9.]+)%" y="[0-9]+" width="[0-9.]+%" height="([0-9]+)"/#
    )
    .map { (String($0.1), String($0.3)) }
    #expect(heights.map(\.1) == ["120", "60"] && heights.map(\.0) == ["mark striking", "mark"])
    #expect(text.contains("role=\"img\" aria-label=\"due &lt;soon&gt;\""))
    #expect(text.contains("<title>late: 60</title>") && text.contains("<title>week: 30</title>"))
  }

  @Test func periodsEndTodayAndAreNeverMany() throws {
    let now = Instant(milliseconds: 20_000 * 86_400_000 + 5)
    var latencies = Latencies()
    latencies.add(.seconds(3))
    #expect(LatencyChart.periods([:], now: now).isEmpty)
    for (age, days) in [(0, 1), (27, 1), (28, 7), (195, 7), (196, 28), (363, 28)] as [(Int64, Int64)] {
      let periods = LatencyChart.periods(
        Dictionary([(20_000 - age, latencies), (Int64(20_000), latencies)]) { first, _ in first }, now: now)
      #expect(periods.allSatisfy { $0.days == days } && periods.count <= 28, "\(age)")
      #expect(periods.reduce(0) { $0 + $1.latencies.count } == (age == 0 ? 1 : 2), "\(age)")
      #expect(periods.first?.latencies.count == 1 && periods.last?.latencies.count == 1, "\(age)")
    }
    // A clock that was set back leaves days in the future: they are in no picture, and harm none.
    #expect(LatencyChart.periods([20_000: latencies, 20_003: latencies], now: now).count == 1)
  }

  @Test func theScaleGoesFromThePowerBelowToThatAbove() {
    var latencies = Latencies()
    for seconds in [2, 30] { latencies.add(.seconds(seconds)) }
    let period = LatencyChart.Period(start: Instant(milliseconds: 0), days: 1, latencies: latencies)
    let text = written { LatencyChart([period, period]).write(&$0) }
    for label in ["1 s", "10 s", "100 s"] { #expect(text.contains(">\(label)</text>"), "\(label)") }
    #expect(!text.contains(">0.1 s</text>") && !text.contains(">17 min</text>"))
    #expect(text.contains("1970-01-01: 2 activated, median 2.0\u{a0}s, 2.0\u{a0}s to 30\u{a0}s"))
    #expect(LatencyChart.logarithm(.seconds(100)) == 2 && LatencyChart.logarithm(.zero) == -1)
  }

  // MARK: Figures

  @Test func datesAreCountedByWeekFromNow() {
    let now = Instant(milliseconds: 1_764_040_000_000)
    var figures = ReportFigures(now: now)
    func add(_ name: String, due days: Int64?, isHeld: Bool = false) {
      var standing = TokenStanding(name: name, state: "current", stores: 1)
      (standing.tokenID, standing.createdAt, standing.isHeld) = (name, now - .seconds(86_400), isHeld)
      standing.dueAt = days.map { now + .seconds($0 * 86_400) }
      figures.add(TokenHistory(standing: standing, hasRow: true, isDelivered: true), job: "plant")
    }
    add("late", due: -1)
    add("first", due: 6)
    add("second", due: 7)
    add("last", due: 90)
    add("beyond", due: 91)
    add("never", due: nil)
    add("held", due: 1, isHeld: true)
    #expect(figures.overdue == 1 && figures.dueLater == 1 && figures.neverDue == 2 && figures.held == 1)
    #expect(figures.dueByWeek == [1, 1] + [Int](repeating: 0, count: 10) + [1])
    #expect(figures.nextDue.elements.map(\.name) == ["late", "first", "second", "last", "beyond"])
    #expect(figures.ages.counts.first == 7 && figures.inUse == 7 && figures.tokens == 7)
  }

  @Test func theNewestTroublesAreKeptAndAllAreCounted() {
    let now = Instant(milliseconds: 1_764_040_000_000)
    var figures = ReportFigures(now: now)
    let standing = TokenStanding(name: "a", state: "planned", stores: 1)
    var history = TokenHistory(standing: standing, hasRow: false, isDelivered: true)
    for minute in 0..<120 {
      history.incidents.append(Incident(.hook, at: now - .seconds(Int64(minute) * 60)))
    }
    for index in 0..<20 { history.incidents[index].ending = .done }
    figures.add(history, job: "plant")
    #expect(figures.troubles.total == 120 && figures.openTroubles == 100)
    #expect(figures.troubles.elements.count == 50 && figures.troubles.elements.first?.incident.lastAt == now)
    #expect(figures.tokens == 0, "nothing is left of it, and it has no row")
  }

  // MARK: Colours

  /// Text is legible in both schemes (WCAG 2.1, level AA: 4.5 to 1), and so are marks (3 to 1).
  @Test func coloursHaveContrast() throws {
    let parts = reportStyle.description.components(separatedBy: "prefers-color-scheme: dark")
    try #require(parts.count == 2)
    for rules in parts {
      let colours = Dictionary(
        rules.matches(of: #/--([a-z-]+): #([0-9a-f]{6});/#).map {
          (String($0.1), UInt32($0.2, radix: 16) ?? 0)
        }, uniquingKeysWith: { first, _ in first })
      try #require(colours.count == 14)
      for (text, ground, least) in [
        ("ink", "ground", 7.0), ("ink", "card", 7), ("muted", "ground", 4.5), ("muted", "card", 4.5),
        ("mark", "card", 4.5), ("mark", "ground", 4.5), ("good", "good-ground", 4.5),
        ("warn", "warn-ground", 4.5), ("bad", "bad-ground", 4.5), ("plain", "plain-ground", 4.5),
        ("ink", "good-ground", 7), ("ink", "warn-ground", 7), ("ink", "bad-ground", 7), ("card", "good", 4.5),
        ("card", "warn", 4.5), ("card", "bad", 4.5), ("card", "plain", 4.5),
      ] {
        let (one, other) = try (#require(colours[text]), #require(colours[ground]))
        #expect(contrast(one, other) >= least, "\(text) on \(ground): \(contrast(one, other))")
      }
    }
  }

  private func contrast(_ one: UInt32, _ other: UInt32) -> Double {
    let (first, second) = (luminance(one), luminance(other))
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)
  }

  private func luminance(_ colour: UInt32) -> Double {
    let parts = [16, 8, 0].map { shift -> Double in
      let part = Double(colour >> UInt32(shift) & 0xff) / 255
      return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
  }
}
