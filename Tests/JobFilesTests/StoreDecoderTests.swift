import Testing

/// What is wrong with a `[[store]]`.
@Suite struct StoreDecoderTests {
  /// What is written behind the least job (7 lines), then its errors.
  static let bad: [(behind: String, expected: [String])] = [
    (
      "[[store]]\nkind = \"vault\"\nmount = \"/x\"\nadress = \"y\"\ntoken = \"hvs.SECRET\"\n",
      [
        "8:1 `address` is missing in [[store]]", "10:9 `mount`: \"/x\" is not a path within the server",
        "11:1 unknown key `adress` in [[store]]",
        "12:9 `token` must be a table that says where the token is kept, not a string",
      ]
    ),
    (
      "[[store]]\nkind = \"vault\"\naddress = \"http://vault.example\"\npath = \"{job}\"\nfield = \"token_id\"\n"
        + "token = { file = \"t\" }\napprole = { role_id = \"r\" }\n",
      [
        "10:11 `address`: http:// would send tokens in clear",
        "11:1 `path` must hold {name}: each token has a secret of its own",
        "12:9 `field`: token_id holds something else", "14:1 `token` and `approle` are two ways to log in",
      ]
    ),
    (
      "[[store]]\nkind = \"vault\"\napprole = { role_id = \"r\", secret = 1 }\nagent = \"/run/a\"\naddress = \"https://v\"\n",
      [
        "11:1 `approle` and `agent` are two ways to log in", "12:1 `address` has no place beside `agent`",
      ]
    ),
    (
      "[[store]]\nkind = \"command\"\nstage = [\"cat\"]\nread = \"cat\"\npending_key = \"00\"\n",
      [
        "8:1 `discard` is missing in [[store]]", "8:1 `promote` is missing in [[store]]",
        "11:8 `read` must be an array of strings, not a string",
        "12:15 `pending_key` must be a table that says where the pending key is kept, not a string",
      ]
    ),
    (
      "[[store]]\nkind = \"command\"\npromote = [\"cat\"]\n[[store]]\nkind = \"command\"\npromote = [\"/bin/cat\"]\n"
        + "[[store]]\nkind = \"command\"\nname = \"-x\"\npromote = [\"no-such-program\"]\n",
      [
        "11:1 two command stores are called cat", "16:1 `name`: \"-x\" is not a name for a store",
        "17:1 `promote`: there is no program no-such-program",
      ]
    ),
    (
      "[[store]]\nkind = \"aws-secrets-manager\"\nregion = \"EU\"\nsecret_name = \"x\"\nendpoint = \"http://a\"\n"
        + "tags = { \"aws:x\" = \"1\", y = 2 }\n",
      [
        "10:10 `region`: \"EU\" is not the name of a region",
        "11:1 `secret_name` must hold {name}: each token has a secret of its own",
        "12:12 `endpoint`: http:// would send tokens in clear", "13:10 the tag `aws:x` is not free",
        "13:29 a tag must be a string, not an integer",
      ]
    ),
  ]

  @Test(arguments: bad)
  func aBadStoreSaysWhereAndWhat(behind: String, expected: [String]) throws {
    let text = leastJob.trimmingCharacters(in: .newlines) + "\n" + behind
    #expect(try jobErrors(text).map(short) == expected)
  }
}
