import RotationModel
import RotationPorts

/// The pictures: what is due when, ages, and how long activations took.
extension HTMLReport {
  func writeDue(_ page: inout HTMLWriter) {
    page.section("due", "Due in the next \(ReportFigures.weeks) weeks") { page in
      guard figures.inUse > 0 else { return page.nothing("No token is in use yet.") }
      page.element(.p, [.class("muted")], dueSentence)
      guard let next = figures.nextDue.elements.first else { return }
      if next.at <= now || figures.dueByWeek.contains(where: { $0 > 0 }) {
        ColumnChart(dueColumns, label: "Tokens due by week. \(dueSentence)").write(&page)
      }
      page.table("The next that are due", ["Token", "Due"], isCaptionShown: true) { page in
        for date in figures.nextDue.elements {
          page.element(.tr) { page in
            page.nameCell(date.name, job: date.job)
            page.cell(date.at, date.at <= now ? "due now" : "in \((date.at - now).ageText)")
          }
        }
      }
    }
  }

  private var dueSentence: String {
    let soon = figures.dueByWeek.reduce(0, +)
    var parts = ["\(counted(soon, "token")) to be replaced"]
    if figures.overdue > 0 { parts.append("\(figures.overdue.grouped) due already") }
    if figures.dueLater > 0 { parts.append("\(figures.dueLater.grouped) later") }
    if figures.neverDue > 0 { parts.append("\(figures.neverDue.grouped) not due by themselves") }
    return parts.joined(separator: ", ") + "."
  }

  private var dueColumns: [ColumnChart.Column] {
    var columns: [ColumnChart.Column] = []
    if figures.overdue > 0 {
      columns.append(
        ColumnChart.Column(
          label: "now", title: "due already: \(figures.overdue.grouped)", count: figures.overdue,
          isStriking: true))
    }
    for (week, count) in figures.dueByWeek.enumerated() {
      let day = now + .seconds(Int64(week) * 7 * 86_400)
      columns.append(
        ColumnChart.Column(
          label: day.shortDayText, title: "7 days from \(day.dayText): \(counted(count, "token"))",
          count: count,
          isStriking: false))
    }
    return columns
  }

  func writeAges(_ page: inout HTMLWriter) {
    page.section("ages", "Ages") { page in
      guard let last = figures.ages.occupied?.upperBound else {
        return page.nothing("No token of ours is in use yet.")
      }
      page.element(.p, [.class("muted")], "How long the tokens in use have been in the world.")
      let labels = [
        "up to a day", "1 to 7 days", "7 to 14 days", "14 to 30 days", "30 to 60 days", "60 to 90 days",
        "90 to 180 days", "180 days to a year", "over a year",
      ]
      page.bars(
        "Tokens in use by age", "Age", zip(labels, figures.ages.counts).prefix(last + 1).map { ($0, $1) })
    }
  }

  func writeActivations(_ page: inout HTMLWriter) {
    page.section("activation", "Activation latency") { page in
      guard let occupied = figures.activationTimes.occupied, let median = figures.activations.median,
        let high = figures.activations.quantile(0.9), let longest = figures.activations.longest
      else { return page.nothing("No activation was seen yet.") }
      page.element(
        .p, [.class("muted")],
        "From the moment a token was stored until the cluster had accepted it, \(figures.activations.count.grouped) in all: median \(median.latencyText), nine of ten within \(high.latencyText), the longest \(longest.latencyText)."
      )
      page.bars(
        "Activations by the time they took", "Took",
        occupied.map { (HTMLReport.spanLabel($0), figures.activationTimes.counts[$0]) })
      let periods = LatencyChart.periods(figures.activationsByDay, now: now)
      guard periods.count > 1 else { return }
      page.element(.h3, [], "Over time")
      LatencyChart(periods).write(&page)
    }
  }

  private static func spanLabel(_ index: Int) -> String {
    func words(_ seconds: Int) -> String {
      seconds < 60 ? "\(seconds) s" : "\(seconds / 60) min"
    }
    let bounds = ActivationTimes.bounds
    guard index < bounds.count else { return "over \(words(bounds[bounds.count - 1]))" }
    return index == 0
      ? "up to \(words(bounds[0]))" : "\(words(bounds[index - 1])) to \(words(bounds[index]))"
  }
}

extension HTMLWriter {
  /// A table whose rows carry a bar each: the numbers are there for who cannot see it.
  fileprivate mutating func bars(_ caption: String, _ what: String, _ rows: [(label: String, count: Int)]) {
    let most = max(1, rows.map(\.count).max() ?? 1)
    element(.table, [.class("bars")]) { page in
      page.element(.caption, [.class("hidden")], caption)
      page.element(.thead, [.class("hidden")]) { page in
        page.element(.tr) { page in
          page.element(.th, [.column], what)
          page.element(.th, [.column], "Share")
          page.element(.th, [.column], "Count")
        }
      }
      page.element(.tbody) { page in
        for (label, count) in rows {
          page.element(.tr) { page in
            page.element(.th, [.row], label)
            page.element(.td, [.decoration, .class("bar")]) { page in
              page.element(.svg, [HTMLAttribute(.width, "100%"), HTMLAttribute(.height, "14")]) { page in
                guard count > 0 else { return }
                page.element(
                  .rect,
                  [
                    HTMLAttribute(.width, percent(Double(count) / Double(most))),
                    HTMLAttribute(.height, "14"),
                    .class("mark"),
                  ])
              }
            }
            page.cell(count)
          }
        }
      }
    }
  }
}

/// A fraction as SVG takes it: two decimals.
func percent(_ fraction: Double) -> String {
  let hundredths = Int((min(1, max(0, fraction)) * 10_000).rounded())
  return "\(hundredths / 100).\(hundredths % 100 / 10)\(hundredths % 10)%"
}
