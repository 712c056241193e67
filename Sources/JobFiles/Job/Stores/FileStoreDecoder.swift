import TOMLReader

extension StoreSettings {
  /// `kind = "file"`
  public struct File: Equatable, Sendable {
    public enum Format: String, Sendable, CaseIterable {
      case raw
      case env
      case json
    }

    /// An absolute path. Nil: `tokens/JOB` in the state directory.
    public var directory: String?
    public var format: Format
    public var owner: String?
    public var group: String?
    public var mode: FileMode

    public init(
      directory: String? = nil, format: Format = .raw, owner: String? = nil, group: String? = nil,
      mode: FileMode = .ownerOnly
    ) {
      self.directory = directory
      self.format = format
      self.owner = owner
      self.group = group
      self.mode = mode
    }
  }
}

/// Reads a `[[store]]` of the kind `file`.
struct FileStoreDecoder {
  static let keys = ["directory", "format", "owner", "group", "mode"]

  let log: ErrorLog
  let paths: PathResolver

  func decode(_ section: Section) -> StoreSettings.File {
    StoreSettings.File(
      directory: section.string("directory").map { paths.absolute($0.value) },
      format: section.choice("format", StoreSettings.File.Format.self)?.value ?? .raw,
      owner: account("owner", in: section), group: account("group", in: section), mode: mode(in: section))
  }

  /// A store keeps folders of its own beside the tokens, so that one within another would be in its way.
  func checkDirectory(
    of store: StoreSettings.File, beside others: [StoreSettings.File], at position: TOMLPosition
  ) {
    let hint = "give each store a directory of its own, none within another"
    for other in others {
      if other.directory == store.directory {
        return log.add("two stores with one directory", at: position, hint: hint)
      }
      guard let own = store.directory, let theirs = other.directory else { continue }
      for (inner, outer, verb) in [(own, theirs, "within"), (theirs, own, "around")]
      where PathText.lies(inner, within: outer) {
        return log.add(
          "the directory of this store lies \(verb) that of another", at: position, hint: hint)
      }
    }
  }

  private func account(_ key: String, in section: Section) -> String? {
    guard let name = section.string(key) else { return nil }
    guard AccountName.isValid(name.value) else {
      section.log.add(
        "`\(key)`: \"\(name.value)\" is not the name of a \(key == "owner" ? "user" : "group")",
        at: name.position)
      return nil
    }
    return name.value
  }

  /// `"0600"` or `"0640"`; TOML's octal integers are taken too.
  private func mode(in section: Section) -> FileMode {
    guard let value = section.table["mode"] else { return .ownerOnly }
    switch value.content {
    case .string(let text):
      if let mode = FileMode(text: text) { return mode }
    case .integer(let number):
      if let mode = UInt16(exactly: number).flatMap(FileMode.init(rawValue:)) { return mode }
    default: break
    }
    section.log.add("`mode` must be \"0600\" or \"0640\"", at: value.position)
    return .ownerOnly
  }
}

/// The names of users and groups, as shadow and systemd accept them; numbers are ids.
enum AccountName {
  static func isValid(_ name: some StringProtocol) -> Bool {
    guard (1...64).contains(name.utf8.count), name.utf8.first != UInt8(ascii: "-"),
      name.utf8.first != UInt8(ascii: ".")
    else { return false }
    return name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
        true
      default: false
      }
    }
  }
}
