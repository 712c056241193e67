import TOMLReader

/// Reads `[[store]]`.
struct StoreDecoder {
  let root: Section
  let paths: PathResolver

  func decode() -> [StoreSettings] {
    guard let value = root.table["store"] else { return [.file(StoreSettings.File())] }
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
      guard let store = decode(element, beside: stores) else { continue }
      if let file = store.file {
        FileStoreDecoder(log: root.log, paths: paths)
          .checkDirectory(of: file, beside: stores.compactMap(\.file), at: element.position)
      }
      stores.append(store)
    }
    return stores
  }

  private func decode(_ element: TOMLValue, beside others: [StoreSettings]) -> StoreSettings? {
    guard case .table(let table) = element.content else {
      root.log.add(
        "`store` must be an array of tables, not of \(element.kind)", at: element.position,
        hint: "write [[store]]")
      return nil
    }
    func section(_ keys: [String]) -> Section {
      Section(table, at: element.position, shown: "[[store]]", keys: ["kind"] + keys, log: root.log)
    }
    // The keys of other kinds are no mistakes while the kind is not known.
    let kinds = Section(
      table, at: element.position, shown: "[[store]]", keys: table.entries.map(\.key), log: root.log)
    guard let kind = table["kind"] == nil ? .file : kinds.choice("kind", StoreSettings.Kind.self)?.value
    else {
      // Of a kind that does not exist, only what a file store's keys would say is known to be wrong.
      _ = FileStoreDecoder(log: root.log, paths: paths).decode(kinds)
      return nil
    }
    switch kind {
    case .file:
      return .file(FileStoreDecoder(log: root.log, paths: paths).decode(section(FileStoreDecoder.keys)))
    case .command:
      return CommandStoreDecoder(section: section(CommandStoreDecoder.keys), paths: paths)
        .decode(beside: others.compactMap(\.command)).map { .command($0) }
    case .vault:
      return VaultStoreDecoder(section: section(VaultStoreDecoder.keys), paths: paths).decode().map {
        .vault($0)
      }
    case .awsSecretsManager:
      return .awsSecretsManager(
        AWSSecretsManagerDecoder(section: section(AWSSecretsManagerDecoder.keys)).decode())
    }
  }
}
