extension CommandSpecification {
  /// The flags of `docs/sandbox.md`, which are named after the library's `SandboxOptions`.
  static let sandbox = CommandSpecification(
    name: .sandbox,
    summary: "serve a local stand-in for a cluster",
    details:
      "Management API, query and write endpoints on a loopback address, with activation delay and faults on request. Keeps everything in memory; ends at SIGINT or SIGTERM.",
    operands: .none,
    options: [
      OptionSpecification(
        .listen, .text("[ADDRESS:]PORT"),
        "a loopback address and a port, 0 for a free one (else 127.0.0.1:0)"),
      OptionSpecification(
        .writeDefaults, .file("FILE"),
        "write a defaults file whose [cluster] is this sandbox; the management token goes into a 0600 file beside it"
      ),
      OptionSpecification(
        .writeProfile, .file("FILE"),
        "write a configuration file of influxctl's form whose profile is this sandbox"),
      OptionSpecification(
        .product, .choice(["dedicated", "clustered"]), "whose Management API to serve (else dedicated)"),
      OptionSpecification(
        .readyFile, .file("FILE"), "write the address into this file once requests are answered"),
      OptionSpecification(
        .database, .text("NAME"), isRepeatable: true,
        "a database that exists; may be repeated (else sandbox, plant, weather)"),
      OptionSpecification(.nodes, .integer("N", 1...64), "how many nodes answer (else 3)"),
      OptionSpecification(
        .nodeAssignment, .choice(["random", "round-robin"]), "which node a new connection gets"),
      OptionSpecification(
        .activationDelay, .duration("DURATION"), "how long nodes take to learn a token (else 5s)"),
      OptionSpecification(
        .activationSpread, .duration("DURATION"), "give or take so much at random (else 2s)"),
      OptionSpecification(
        .changeDelay, .duration("DURATION"), "how long they take to learn a revocation (else 0s)"),
      OptionSpecification(
        .listLag, .duration("DURATION"), "how long a new token is missing from the list (else 0s)"),
      OptionSpecification(.includesRevoked, .flag, "show revoked tokens in the list"),
      OptionSpecification(
        .fault, .text("FAULT"), isRepeatable: true,
        "OPERATION:EFFECT[:CONDITION], such as create:answer-lost:p=0.1; may be repeated"),
      OptionSpecification(
        .seed, .integer("N", 0...UInt64.max), "decides every id, string, delay and chance (else drawn)"),
      OptionSpecification(
        .clockSkew, .duration("DURATION"), "how far the cluster's clock is ahead (else 0s)"),
      OptionSpecification(
        .unknownTokenOnWrite, .choice(["401", "403"]), "what write nodes say of a token they do not know"),
      OptionSpecification(
        .refusesQueriesInside, .flag, "answer 200 with the error inside when a query is not permitted"),
      OptionSpecification(.refusesEmptyWrites, .flag, "answer 400 to a permitted write without points"),
      OptionSpecification(.accountID, .text("UUID"), "the account"),
      OptionSpecification(.clusterID, .text("UUID"), "the cluster"),
      OptionSpecification(
        .managementTokenFile, .file("FILE"), "take the management token from this file"),
    ],
    exitStatuses: [
      ExitStatus(code: 0, meaning: "ended by SIGINT or SIGTERM"),
      ExitStatus(code: 1, meaning: "the address could not be listened on"),
      ExitStatus(code: 2, meaning: "bad usage"),
    ],
    examples: [
      "tokenrotate sandbox --listen 8086 --write-defaults /tmp/sandbox.toml",
      "tokenrotate sandbox --fault create:answer-lost:p=0.1 --activation-delay 20s",
    ])
}
