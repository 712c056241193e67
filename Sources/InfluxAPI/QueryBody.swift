internal import FoundationEssentials

/// The body of an answer of `/query`, `{"results":[{"statement_id":0,"error":"…"}]}` or `{"error":"…"}`.
struct QueryBody: Decodable {
  /// The first error, at the top or in a result.
  let error: String?
  let hasResults: Bool

  private enum CodingKeys: CodingKey { case results, error }

  private struct Result: Decodable {
    let error: String?
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let results = try container.decodeIfPresent([Result].self, forKey: .results)
    hasResults = results != nil
    let top = try container.decodeIfPresent(String.self, forKey: .error)
    error = top ?? results?.lazy.compactMap(\.error).first
  }

  /// Nil when the body is nothing of the kind.
  static func read(_ body: [UInt8]) -> QueryBody? {
    try? JSONDecoder().decode(QueryBody.self, from: Data(body))
  }
}
