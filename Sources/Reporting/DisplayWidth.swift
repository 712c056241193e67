/// How many columns of a terminal text takes.
///
/// Unicode says it in East Asian Width (UAX #11), which the standard library does not offer; so the wide ranges
/// stand here. Terminals differ for emoji: where they do, the wider answer is given, because a line that is a
/// column too short is only untidy, and one that is too long wraps.
extension StringProtocol {
  var displayWidth: Int {
    // Nearly everything is ASCII, whose columns are its bytes.
    utf8.allSatisfy { $0 < 0x80 } ? utf8.count : reduce(0) { $0 + $1.displayWidth }
  }
}

extension Character {
  var displayWidth: Int {
    var width = 0
    for scalar in unicodeScalars {
      // The emoji presentation of a character that is narrow as text.
      width += scalar.value == 0xFE0F && width == 1 ? 1 : scalar.displayWidth
    }
    return width
  }
}

extension Unicode.Scalar {
  fileprivate var displayWidth: Int {
    if value < 0x300 { return 1 }
    if isZeroWidth { return 0 }
    // Two of these make one flag, which is two columns wide.
    if (0x1F1E6...0x1F1FF).contains(value) { return 1 }
    return properties.isEmojiPresentation || isWide ? 2 : 1
  }

  private var isZeroWidth: Bool {
    // Vowels and final consonants that join the Hangul syllable before them.
    if (0x1160...0x11FF).contains(value) || (0xD7B0...0xD7FF).contains(value) { return true }
    switch properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return true
    default: return false
    }
  }

  private var isWide: Bool {
    Unicode.Scalar.wideRanges.contains { $0.contains(value) }
  }

  /// The blocks whose characters are wide or full width.
  private static let wideRanges: [ClosedRange<UInt32>] = [
    0x1100...0x115F,  // Hangul initial consonants
    0x2329...0x232A,
    0x2E80...0x303E,  // radicals, ideographic punctuation
    0x3041...0x33FF,  // kana, bopomofo, Hangul letters, enclosed and squared signs
    0x3400...0x4DBF, 0x4E00...0x9FFF,  // ideographs
    0xA000...0xA4CF,  // Yi
    0xA960...0xA97F, 0xAC00...0xD7A3,  // Hangul
    0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F,
    0xFF01...0xFF60, 0xFFE0...0xFFE6,  // full width forms
    0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF,  // Tangut, Khitan, kana
    0x1F200...0x1F2FF, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1FAFF,  // pictographs
    0x20000...0x3FFFD,  // ideographs of the supplementary planes
  ]
}
