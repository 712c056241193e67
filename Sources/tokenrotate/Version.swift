/// The program's version, as `--version`, the audit log and requests show it.
enum Version {
  static let text = "0.2.0"
}
