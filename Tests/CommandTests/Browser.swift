import Foundation
import Testing

/// Chromium without a window, which lays a page out and tells what has become of it.
struct Browser: Sendable {
  /// What one frame has found in its page.
  struct Finding: Sendable, Equatable, Decodable {
    /// The width that the page was given, and that which it takes.
    var width: Int
    var scrollWidth: Int
    /// The elements that reach beyond the page and lie in no box that scrolls, and cells whose text reaches into the next.
    var beyond: [String]
    var elements: [String: Int]
    /// What was loaded besides the page itself.
    var requests: Int
    var background: String
    var ink: String
    var text: String
  }

  static let path = "/usr/bin/chromium"
  static let isInstalled = access(path, X_OK) == 0
  /// Where nothing is to be skipped unnoticed, a missing browser fails.
  static let isRequired = ProcessInfo.processInfo.environment["CI"] == "true"

  /// Where pictures are kept for people to look at.
  private static let pictures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(".build/report").path

  let workspace: Workspace

  /// Keeps a picture of a page, `width` points wide. Returns its width and height, as its file says.
  func picture(
    of page: String, as name: String, width: Int, height: Int, isDark: Bool
  ) async throws -> (width: Int, height: Int) {
    try FileManager.default.createDirectory(atPath: Browser.pictures, withIntermediateDirectories: true)
    let file = "\(Browser.pictures)/\(name).png"
    try? FileManager.default.removeItem(atPath: file)
    _ = try await call(
      "--window-size=\(width),\(height) --screenshot='\(file)' 'file://\(workspace.path(page))'", isDark)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    try #require(bytes.count > 24 && bytes[1...3].elementsEqual("PNG".utf8))
    func number(at place: Int) -> Int { bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) } }
    return (number(at: 16), number(at: 20))
  }

  /// Keeps the page itself beside its pictures.
  func keep(_ page: String, as name: String) throws {
    try FileManager.default.createDirectory(atPath: Browser.pictures, withIntermediateDirectories: true)
    try workspace.read(page).write(
      toFile: "\(Browser.pictures)/\(name).html", atomically: true, encoding: .utf8)
  }

  /// Lays a page out in frames of these widths. A window has a least width, a frame has not.
  func look(at page: String, widths: [Int], isDark: Bool) async throws -> [Finding] {
    // The page forbids scripts, and the copy must not.
    let text = workspace.read(page)
    let copy = text.replacing(#/<meta http-equiv="Content-Security-Policy"[^>]*>/#, with: "")
      .replacing("</body>", with: "<script>\(Browser.script)</script></body>")
    try #require(copy.utf8.count > text.utf8.count)
    try workspace.write("copy.html", copy)
    let frames = widths.map {
      "<iframe src=\"copy.html\" width=\"\($0)\" height=\"900\" style=\"border:0\"></iframe>"
    }
    try workspace.write(
      "frames.html",
      """
      <!DOCTYPE html><html style="color-scheme: light dark"><body><pre id="found"></pre><script>
      addEventListener('message', event => { found.textContent += event.data + '\\n' })
      </script>\(frames.joined())</body></html>
      """)
    let outcome = try await call(
      "--window-size=2000,1000 --virtual-time-budget=20000 --dump-dom 'file://\(workspace.path("frames.html"))'",
      isDark)
    let body = try #require(outcome.firstMatch(of: #/<pre id="found">([^<]*)</pre>/#), "\(outcome)").1
    return try body.split(separator: "\n").map { line in
      let data = try #require(Data(base64Encoded: String(line)))
      return try JSONDecoder().decode(Finding.self, from: data)
    }.sorted { $0.width < $1.width }
  }

  /// What a page tells of itself, in letters that HTML leaves alone.
  private static let script = """
    addEventListener('load', () => {
      const root = document.documentElement, style = getComputedStyle(document.body), elements = {}, beyond = [];
      for (const element of document.querySelectorAll('*')) {
        const name = element.localName;
        elements[name] = (elements[name] || 0) + 1;
        if (element.getBoundingClientRect().right > root.clientWidth + 1
          && !element.closest('.scroll, nav, .hidden, svg')) beyond.push(name + '.' + element.className);
      }
      for (const cell of document.querySelectorAll('td, th')) {
        const text = document.createRange();
        text.selectNodeContents(cell);
        if (text.getBoundingClientRect().right > cell.getBoundingClientRect().right + 1 && !cell.closest('.hidden')
          && !cell.querySelector('svg, .hidden')) beyond.push('text of ' + cell.localName + '.' + cell.className);
      }
      const found = { width: innerWidth, scrollWidth: root.scrollWidth, beyond, elements,
        requests: performance.getEntriesByType('resource').length, background: style.backgroundColor,
        ink: style.color, text: document.body.innerText };
      const bytes = new TextEncoder().encode(JSON.stringify(found));
      parent.postMessage(btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join('')), '*');
    });
    """

  private func call(_ options: String, _ isDark: Bool) async throws -> String {
    let profile = workspace.root + "/chromium"
    let outcome = try await workspace.shell(
      "\(Browser.path) --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-breakpad"
        + " --no-first-run --hide-scrollbars --user-data-dir='\(profile)'"
        + " --blink-settings=preferredColorScheme=\(isDark ? 0 : 1) \(options)")
    try #require(outcome.code == 0, "\(outcome.everything)")
    return outcome.output
  }
}
