import Foundation
import InfluxAPI
import RotationPorts
import Testing

@Suite struct InfluxctlProfileTests {
  /// A folder of its own, removed with the test.
  private final class Folder {
    let path: String

    init() throws {
      path = NSTemporaryDirectory() + "influxctl-" + UUID().uuidString
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, mode: Int = 0o600) throws -> String {
      let file = path + "/config.toml"
      try Data(text.utf8).write(to: URL(fileURLWithPath: file))
      try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
      return file
    }
  }

  private static let token = "M.V1.Ab3dEf6hIj9lMn2pQr5t"
  private static let good = """
    [[profile]]
    name = "default"
    product = "dedicated"
    account_id = "11111111-1111-4111-8111-111111111111"
    cluster_id = "33333333-3333-4333-8333-333333333333"
    mgmt_token = "\(token)"
    database = "x"

    [[profile]]
      name = "own"
      product = "clustered"
      host = "cluster.example.com"
      port = "8443"
      [profile.auth.oauth2]
        client_id = "id"
      [profile.tls]
        ca = "/etc/ca.pem"
        cert = "c.pem"
        key = "k.pem"
        insecure = false
    """

  private func failure(_ text: String, _ name: String = "default", mode: Int = 0o600) throws
    -> InfluxctlProfileError
  {
    let folder = try Folder()
    let file = try folder.write(text, mode: mode)
    let error = try #require(
      #expect(throws: InfluxctlProfileError.self) { try InfluxctlProfile.read(name, path: file) })
    #expect(!error.description.contains("Ab3dEf6h"))
    return error
  }

  @Test func readsADedicatedProfile() throws {
    let folder = try Folder()
    let profile = try InfluxctlProfile.read("default", path: folder.write(Self.good))
    var expected = InfluxctlProfile(name: "default", product: .dedicated)
    expected.accountID = "11111111-1111-4111-8111-111111111111"
    expected.clusterID = "33333333-3333-4333-8333-333333333333"
    expected.managementToken = Secret(Self.token.utf8)
    #expect(profile == expected)
    #expect(!"\(profile)".contains("Ab3dEf6h"))
  }

  @Test func readsAClusteredProfile() throws {
    let folder = try Folder()
    let profile = try InfluxctlProfile.read("own", path: folder.write(Self.good))
    var expected = InfluxctlProfile(name: "own", product: .clustered)
    expected.host = "https://cluster.example.com:8443"
    expected.authorityFile = "/etc/ca.pem"
    expected.certificateFile = "c.pem"
    expected.keyFile = "k.pem"
    #expect(profile == expected)
  }

  @Test func aPortMayBeANumberAndTheUsualOneIsLeftOut() throws {
    let folder = try Folder()
    let start = "[[profile]]\nname='a'\nproduct='dedicated'\nhost='H.example.com'\n"
    for (port, host) in [
      ("port = 8086", "https://h.example.com:8086"), ("port = '443'", "https://h.example.com"),
      ("port = ''", "https://h.example.com"), ("", "https://h.example.com"),
    ] {
      #expect(try InfluxctlProfile.read("a", path: folder.write(start + port)).host == host)
    }
    for port in ["port = 0", "port = 70000", "port = 'x'", "port = true"] {
      let error = try failure(start + port, "a")
      #expect(error.message.hasSuffix("config.toml:5:8: `port` is no port"))
    }
  }

  @Test func isFoundWhereInfluxctlLooks() {
    #expect(InfluxctlProfile.defaultPath(home: "/home/a") == "/home/a/.config/influxctl/config.toml")
  }

  @Test(arguments: [0o604, 0o644, 0o602, 0o666])
  func aFileOfEverybodysThatHoldsATokenIsRefused(_ mode: Int) throws {
    let error = try failure(Self.good, "own", mode: mode)
    #expect(error.code == .readableByOthers)
    #expect(error.message.contains("config.toml:6:1: holds a management token and can be "))
    #expect(error.hint?.hasPrefix("chmod o= /") == true)
  }

  @Test(arguments: [0o600, 0o640, 0o400])
  func itsGroupMayReadIt(_ mode: Int) throws {
    let folder = try Folder()
    #expect(throws: Never.self) {
      try InfluxctlProfile.read("own", path: folder.write(Self.good, mode: mode))
    }
  }

  @Test func aFileOfEverybodysWithoutATokenIsRead() throws {
    let folder = try Folder()
    let text = "[[profile]]\nname='a'\nproduct='clustered'\nhost='h'"
    #expect(throws: Never.self) { try InfluxctlProfile.read("a", path: folder.write(text, mode: 0o644)) }
  }

  @Test(arguments: ["insecure", "disable"])
  func tlsIsNeverSwitchedOff(_ key: String) throws {
    let error = try failure(
      "[[profile]]\nname='default'\nproduct='clustered'\n[profile.tls]\n\(key) = true\n")
    #expect(error.code == .insecure)
    #expect(error.message.contains("config.toml:5:1: `\(key)` is refused"))
    #expect(error.hint?.contains("ca = ") == true)
  }

  @Test(arguments: [
    ("", InfluxctlProfileError.Code.noSuchProfile, "no profile is called default"),
    (good, .noSuchProfile, "no profile is called other"),
    (
      "[[profile]]\nname='default'\nproduct='dedicated'\n[[profile]]\nname='default'", .noSuchProfile, ":5:1:"
    ),
    ("[[profile]]\nname='default'", .malformed, ":2:1: the profile has no `product`"),
    ("[[profile]]\nname='default'\nproduct='cloud'", .malformed, ":3:9: `product`"),
    (
      "[[profile]]\nname='default'\nproduct=7", .malformed, ":3:9: `product` must be a string, not an integer"
    ),
    ("[[profile]]\nname='default'\nproduct='dedicated'\nmgmt_token=7", .malformed, ":4:12:"),
    ("[[profile]]\nname='default'\nproduct='dedicated'\nmgmt_token='\(token) '", .malformed, ":4:12:"),
    ("[[profile]]\nname='default'\nproduct='dedicated'\nhost='https://h/x'", .malformed, ":4:6: `host`"),
    ("[[profile]]\nname='default'\nproduct='dedicated'\ntls=1", .malformed, ":4:5: `tls`"),
    ("[[profile]]\nname='default'\nproduct='dedicated'\n[profile.tls]\ninsecure='no'", .malformed, ":5:10:"),
    ("profile = [1]", .malformed, ":1:12:"), ("profile = 1", .malformed, ":1:11:"),
    ("mgmt_token = \(token)", .malformed, ":1:"),
    ("[[profile]]\nmgmt_token = \"\(token)", .malformed, ":2:"),
  ])
  func errorsSayWhere(_ text: String, _ code: InfluxctlProfileError.Code, _ part: String) throws {
    let error = try failure(text, text == Self.good ? "other" : "default")
    #expect(error.code == code)
    #expect(error.message.contains("config.toml"))
    #expect(error.message.contains(part))
    if text == Self.good { #expect(error.hint?.contains("default, own") == true) }
  }

  @Test func missingFilesAndFoldersAreNamed() throws {
    let folder = try Folder()
    let missing = #expect(throws: InfluxctlProfileError.self) {
      try InfluxctlProfile.read("default", path: folder.path + "/none.toml")
    }
    #expect(missing?.code == .missing)
    let directory = #expect(throws: InfluxctlProfileError.self) {
      try InfluxctlProfile.read("default", path: folder.path)
    }
    #expect(directory?.code == .unreadable)
  }
}
