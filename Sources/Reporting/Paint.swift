/// How text looks on a terminal with colours. It never says what the text does not say as well.
enum Paint {
  case red
  case boldRed
  case yellow
  case green
  case cyan
  case bold
  case dim

  func over(_ text: String) -> String {
    "\u{1b}[\(attributes)m\(text)\u{1b}[0m"
  }

  private var attributes: String {
    switch self {
    case .red: "31"
    case .boldRed: "1;31"
    case .yellow: "33"
    case .green: "32"
    case .cyan: "36"
    case .bold: "1"
    case .dim: "2"
    }
  }
}
