internal import Glibc
import RotationModel

/// Shortest, median and longest activation of each period, as an inline SVG with a logarithmic scale: between a second
/// and an hour no other one shows both ends.
struct LatencyChart {
  struct Period: Equatable {
    var start: Instant
    var days: Int64
    var latencies: Latencies

    var title: String {
      let span = days == 1 ? start.dayText : "\(days) days from \(start.dayText)"
      guard let median = latencies.median, let shortest = latencies.shortest, let longest = latencies.longest
      else { return "\(span): none" }
      return
        "\(span): \(latencies.count.grouped) activated, median \(median.latencyText), \(shortest.latencyText) to \(longest.latencyText)"
    }
  }

  private let periods: [Period]
  private let lowest: Double
  private let highest: Double
  private static let plotHeight = 150.0
  private static let top = 12.0
  /// The part of the width that the scale's labels take.
  private static let margin = 0.13

  init(_ periods: [Period]) {
    self.periods = periods
    let spans = periods.flatMap { [$0.latencies.shortest, $0.latencies.longest].compactMap(\.self) }
    lowest = LatencyChart.logarithm(spans.min() ?? .seconds(1)).rounded(.down)
    highest = max(lowest + 1, LatencyChart.logarithm(spans.max() ?? .seconds(10)).rounded(.up))
  }

  /// The days from the first activation that is told until now, one by one or in periods of 7 or 28 days, so that there
  /// are no more than 28.
  static func periods(_ byDay: [Int64: Latencies], now: Instant) -> [Period] {
    guard let first = byDay.keys.min() else { return [] }
    let today = now.milliseconds / ReportFigures.dayMilliseconds
    let days = max(1, today - first + 1)
    let length: Int64 = days <= 28 ? 1 : days <= 28 * 7 ? 7 : 28
    let count = (days + length - 1) / length
    // The last period ends today.
    let start = today - count * length + 1
    var periods = (0..<count).map { index in
      Period(
        start: Instant(milliseconds: (start + index * length) * ReportFigures.dayMilliseconds), days: length,
        latencies: Latencies())
    }
    for (day, latencies) in byDay where day <= today {
      periods[Int((day - start) / length)].latencies.add(latencies)
    }
    return periods
  }

  func write(_ page: inout HTMLWriter) {
    let bottom = LatencyChart.top + LatencyChart.plotHeight
    let count = periods.reduce(0) { $0 + $1.latencies.count }
    page.element(
      .svg,
      [
        .class("chart"), HTMLAttribute(.role, "img"),
        .label(
          "Shortest, median and longest activation by period, \(count.grouped) in all. "
            + (periods.last { $0.latencies.count > 0 }?.title ?? "")), HTMLAttribute(.width, "100%"),
        HTMLAttribute(.height, "\(Int(bottom) + 24)"),
      ]
    ) { page in
      for power in stride(from: lowest, through: highest, by: 1) { writeGridLine(power, &page) }
      for (index, period) in periods.enumerated() { writePeriod(period, at: index, &page) }
      for index in stride(
        from: 0, to: max(1, periods.count - periods.count / 8), by: max(1, periods.count / 4))
      {
        page.element(
          .text,
          [
            .class("label middle"), HTMLAttribute(.x, across(index)),
            HTMLAttribute(.y, "\(Int(bottom) + 18)"),
          ], periods[index].start.shortDayText)
      }
    }
    page.element(
      .p, [.class("muted legend")],
      "The dot is the median of \(periods[0].days == 1 ? "a day" : "\(periods[0].days) days"), the line goes from the shortest to the longest. The scale is logarithmic."
    )
  }

  private func writeGridLine(_ power: Double, _ page: inout HTMLWriter) {
    let y = height(power)
    page.element(
      .line,
      [
        .class("grid"), HTMLAttribute(.x1, percent(LatencyChart.margin)), HTMLAttribute(.x2, "100%"),
        HTMLAttribute(.y1, y), HTMLAttribute(.y2, y),
      ])
    page.element(
      .text, [.class("label scale"), HTMLAttribute(.x, "0"), HTMLAttribute(.y, y)],
      LatencyChart.label(power))
  }

  private func writePeriod(_ period: Period, at index: Int, _ page: inout HTMLWriter) {
    guard let median = period.latencies.median, let shortest = period.latencies.shortest,
      let longest = period.latencies.longest
    else { return }
    let x = across(index)
    page.element(
      .line,
      [
        .class("range"), HTMLAttribute(.x1, x), HTMLAttribute(.x2, x),
        HTMLAttribute(.y1, height(LatencyChart.logarithm(shortest))),
        HTMLAttribute(.y2, height(LatencyChart.logarithm(longest))),
      ])
    page.element(
      .circle,
      [
        .class("mark"), HTMLAttribute(.cx, x), HTMLAttribute(.cy, height(LatencyChart.logarithm(median))),
        HTMLAttribute(.r, "4.5"),
      ]
    ) { $0.element(.title, [], period.title) }
  }

  private func across(_ index: Int) -> String {
    percent(LatencyChart.margin + (1 - LatencyChart.margin) * (Double(index) + 0.5) / Double(periods.count))
  }

  private func height(_ power: Double) -> String {
    let part = (min(highest, max(lowest, power)) - lowest) / (highest - lowest)
    let tenths = Int(((LatencyChart.top + LatencyChart.plotHeight * (1 - part)) * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }

  /// To base ten, of seconds; a tenth of a second is the least.
  static func logarithm(_ span: Duration) -> Double { log10(max(0.1, span.seconds)) }

  static func label(_ power: Double) -> String {
    switch Int(power) {
    case -1: "0.1 s"
    case 0: "1 s"
    case 1: "10 s"
    case 2: "100 s"
    case 3: "17 min"
    case 4: "2.8 h"
    case 5: "28 h"
    default: "10^\(Int(power)) s"
    }
  }
}
