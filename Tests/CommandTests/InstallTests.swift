import Foundation
import Testing

/// What `make install` puts where.
@Suite(.fewAtATime) struct InstallTests {
  @Test func pageAndCompletionsAreInstalledBesideTheProgram() async throws {
    let workspace = try Workspace()
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
    let outcome = try await workspace.shell(
      "umask 077; make --no-print-directory -C '\(root)' install RELEASE_BINARY='\(try Workspace.binary.get())'"
        + " DESTDIR=\"$PWD/stage\" PREFIX=/usr")
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.everything)")
    for (kind, path) in [
      ("bash", "bash-completion/completions/tokenrotate"), ("zsh", "zsh/site-functions/_tokenrotate"),
      ("fish", "fish/vendor_completions.d/tokenrotate.fish"), ("man", "man/man1/tokenrotate.1"),
    ] {
      let installed = "stage/usr/share/\(path)"
      let wanted = try await workspace.run("completions", kind)
      #expect(wanted.code == 0 && !wanted.output.isEmpty)
      #expect(workspace.read(installed) == wanted.output, "\(path)")
      let attributes = try FileManager.default.attributesOfItem(atPath: workspace.path(installed))
      #expect(attributes[.posixPermissions] as? Int == 0o644, "\(path)")
    }
    #expect(workspace.exists("stage/usr/bin/tokenrotate"))
    #expect(workspace.exists("stage/usr/share/doc/tokenrotate/docs/commands.md"))
  }
}
