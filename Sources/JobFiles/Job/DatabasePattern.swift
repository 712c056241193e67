/// Patterns of database names, in which `*` stands for any number of characters.
enum DatabasePattern {
  /// Never worse than name times pattern: after a `*` that took too little, only the last one is retried.
  static func matches(_ name: some Sequence<UInt8>, pattern: some Sequence<UInt8>) -> Bool {
    let star = UInt8(ascii: "*")
    let name = Array(name)
    let pattern = Array(pattern)
    var inName = 0
    var inPattern = 0
    var retry: (inName: Int, inPattern: Int)?
    while inName < name.count {
      if inPattern < pattern.count, pattern[inPattern] == star {
        retry = (inName, inPattern)
        inPattern += 1
      } else if inPattern < pattern.count, pattern[inPattern] == name[inName] {
        inName += 1
        inPattern += 1
      } else if let last = retry {
        retry = (last.inName + 1, last.inPattern)
        inName = last.inName + 1
        inPattern = last.inPattern + 1
      } else {
        return false
      }
    }
    return pattern[inPattern...].allSatisfy { $0 == star }
  }
}
