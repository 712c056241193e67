internal import Digests
import RotationPorts
internal import Subprocesses
import TOMLReader

/// Reads `[[hook]]`.
struct HookDecoder {
  static let keys = ["on", "per", "command", "timeout"]

  let root: Section
  let paths: PathResolver

  func decode() -> [HookSettings] {
    var hooks: [HookSettings] = []
    for section in root.sections("hook", keys: HookDecoder.keys) ?? [] {
      guard let hook = decode(section) else { continue }
      if hooks.contains(where: { $0.hook.name == hook.hook.name }) {
        root.log.add("this hook is there twice", at: section.position, hint: "remove one of them")
      }
      hooks.append(hook)
    }
    return hooks
  }

  private func decode(_ section: Section) -> HookSettings? {
    for key in ["on", "command"] where !section.has(key) { section.missing(key) }
    let occasion = section.choice("on", Hook.Occasion.self)?.value
    let scope = section.choice("per", Hook.Scope.self)?.value ?? .run
    let command = section.command("command")
    let timeout = section.duration("timeout", in: .seconds(1)...(.seconds(86_400))) ?? .seconds(30)
    guard let occasion, let command else { return nil }
    let words = paths.command(command)
    if Subprocess.find(words[0]) == nil {
      section.log.add(
        "`command`: there is no program \(words[0])", at: section.position(of: "command"),
        hint: words[0].contains("/")
          ? "it has to be a file that may be executed"
          : "it is looked for in PATH; better name its whole path")
    }
    let name = HookDecoder.name(occasion, scope, words)
    return HookSettings(
      hook: Hook(name: name, occasion: occasion, scope: scope), command: words, timeout: timeout)
  }

  /// A success on record is that of a command: another command is another hook.
  private static func name(
    _ occasion: Hook.Occasion, _ scope: Hook.Scope, _ words: [String]
  ) -> String {
    let text = ([occasion.rawValue, scope.rawValue] + words).joined(separator: "\0")
    let program = words[0].split(separator: "/").last.map(String.init) ?? words[0]
    // Only memory can fail a digest; two hooks of one program would share a name then.
    let digest = (try? SHA256.digest(of: Array(text.utf8)).hex) ?? ""
    return "\(program)-\(digest.prefix(8))"
  }
}
