internal import JSONText
import RotationModel
import RotationPorts
internal import Subprocesses

/// What a hook is told, as text. No token string is in it.
enum HookText {
  /// The variables; those of one token only where the hook is told of one.
  static func variables(_ hook: Hook, _ call: HookCall) -> [String: String] {
    var variables = [
      "TOKENROTATE_EVENT": hook.occasion.rawValue,
      "TOKENROTATE_JOB": call.job, "TOKENROTATE_CLUSTER": call.cluster, "TOKENROTATE_HOST": call.host,
      "TOKENROTATE_COUNT": String(call.count),
    ]
    variables["TOKENROTATE_RUN"] = call.run?.text
    if let problem = call.problem { variables["TOKENROTATE_ERROR"] = problem.message }
    guard hook.scope == .token, let token = call.tokens.first else { return variables }
    variables["TOKENROTATE_NAME"] = token.name
    variables["TOKENROTATE_TOKEN_ID"] = token.tokenID
    variables["TOKENROTATE_PREVIOUS_TOKEN_ID"] = token.previousTokenID
    variables["TOKENROTATE_GENERATION"] = token.generation.map { String($0) }
    variables["TOKENROTATE_EXPIRES_AT"] = token.expiresAt?.rfc3339Seconds
    variables["TOKENROTATE_ERROR"] = token.problem?.message ?? variables["TOKENROTATE_ERROR"]
    for (key, value) in token.labels { variables["TOKENROTATE_LABEL_\(key)"] = value }
    return variables
  }

  /// One object on one line.
  static func json(_ hook: Hook, _ call: HookCall) -> [UInt8] {
    var json = JSONWriter(.visible, capacity: 512)
    json.object { json in
      json.member("event", hook.occasion.rawValue)
      json.member("run", call.run?.text)
      json.member("job", call.job)
      json.member("cluster", call.cluster)
      json.member("host", call.host)
      json.member("count", call.count)
      json.member("error", call.problem?.message)
      json.key("tokens")
      json.array { json in
        for token in call.tokens { write(token, to: &json) }
      }
    }
    return json.bytes + [UInt8(ascii: "\n")]
  }

  private static func write(_ token: HookCall.Token, to json: inout JSONWriter) {
    json.object { json in
      json.member("name", token.name)
      json.member("token_id", token.tokenID)
      json.member("previous_token_id", token.previousTokenID)
      json.member("generation", token.generation)
      json.member("expires_at", token.expiresAt?.rfc3339Seconds)
      json.key("labels")
      json.object { json in
        for (key, value) in token.labels.sorted(by: { $0.key < $1.key }) { json.member(key, value) }
      }
      json.member("error", token.problem?.message)
    }
  }

  /// The shortest run of characters that is taken for a token's: longer than an id, shorter than any token string
  /// that the cluster gives out (64).
  private static let shortestSecret = 40

  /// The last of what a hook wrote, at most so much of it. More is masked than is shown: at the edge of what was kept, a
  /// token's end would look like a word.
  static func shown(_ written: [UInt8], bytes: Int) -> String {
    let text = masked(Subprocess.oneLine(written))
    return text.utf8.count <= bytes
      ? text : "…" + String(decoding: text.utf8.suffix(bytes - 3), as: UTF8.self)
  }

  /// A hook may write what it has read, and it may have read a token: long runs of characters that tokens are made
  /// of are struck out.
  static func masked(_ text: String) -> String {
    var result = ""
    var word = ""
    func flush() {
      result += maskedWord(word)
      word = ""
    }
    for character in text {
      if isOfTokens(character) {
        word.append(character)
      } else {
        flush()
        result.append(character)
      }
    }
    flush()
    return result
  }

  /// A word of the characters that tokens are made of, the slash of paths among them.
  private static func maskedWord(_ word: String) -> String {
    for prefix in ["apiv1_", "M.V1."] {
      if let range = word.firstRange(of: prefix) { return word[..<range.lowerBound] + "…" }
    }
    let isSecret = word.split(separator: "/").contains { $0.count >= shortestSecret }
    return isSecret ? "…" : word
  }

  private static func isOfTokens(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || "._~+/=-".contains(character))
  }
}
