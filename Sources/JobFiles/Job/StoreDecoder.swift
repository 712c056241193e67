import TOMLReader

/// Reads `[[store]]`.
struct StoreDecoder {
  static let fileKeys = ["kind", "directory", "format", "owner", "group", "mode"]

  let root: Section
  let paths: PathResolver

  func decode() -> [StoreSettings] {
    guard let value = root.table["store"] else { return [StoreSettings()] }
    // Which keys a table may have depends on its kind, so each is opened by itself.
    guard case .array(let elements) = value.content else {
      root.log.add(
        "`store` must be an array of tables, not \(value.kind)", at: value.position, hint: "write [[store]]")
      return []
    }
    if elements.isEmpty {
      root.log.add("`store` names no store", at: value.position, hint: "remove it for the default store")
    }
    var stores: [StoreSettings] = []
    for element in elements {
      guard let store = decode(element) else { continue }
      if store.kind == .file { checkDirectory(of: store, beside: stores, at: element.position) }
      stores.append(store)
    }
    return stores
  }

  /// A store keeps folders of its own beside the tokens, so that one within another would be in its way.
  private func checkDirectory(
    of store: StoreSettings, beside others: [StoreSettings], at position: TOMLPosition
  ) {
    let hint = "give each store a directory of its own, none within another"
    for other in others where other.kind == .file {
      if other.directory == store.directory {
        return root.log.add("two stores with one directory", at: position, hint: hint)
      }
      guard let own = store.directory, let theirs = other.directory else { continue }
      for (inner, outer, verb) in [(own, theirs, "within"), (theirs, own, "around")]
      where PathText.lies(inner, within: outer) {
        return root.log.add(
          "the directory of this store lies \(verb) that of another", at: position, hint: hint)
      }
    }
  }

  private func decode(_ element: TOMLValue) -> StoreSettings? {
    guard case .table(let table) = element.content else {
      root.log.add(
        "`store` must be an array of tables, not of \(element.kind)", at: element.position,
        hint: "write [[store]]")
      return nil
    }
    // The keys of the other kinds belong to the versions that support them.
    let isFile = table["kind"].map { $0.content == .string("file") } ?? true
    let section = Section(
      table, at: element.position, shown: "[[store]]",
      keys: isFile ? StoreDecoder.fileKeys : table.entries.map(\.key), log: root.log)
    let kind = section.choice("kind", StoreSettings.Kind.self)
    if let kind, kind.value != .file {
      section.refuseUnsupported("store.kind=\(kind.value.rawValue)", at: kind.position)
      return StoreSettings(kind: kind.value)
    }
    let settings = StoreSettings(
      kind: .file, directory: section.string("directory").map { paths.absolute($0.value) },
      format: section.choice("format", StoreSettings.Format.self)?.value ?? .raw,
      owner: account("owner", in: section), group: account("group", in: section), mode: mode(in: section))
    // Of a kind that does not exist, only what a file store's keys would say is known to be wrong.
    return isFile ? settings : nil
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
