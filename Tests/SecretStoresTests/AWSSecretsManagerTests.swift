import Foundation
import HTTPClient
import RotationModel
import RotationPorts
import RotationTestKit
import Testing

@testable import SecretStores

/// The store in AWS Secrets Manager against moto.
@Suite(.serialized, .enabled(if: MotoServer.isToBeTried(in: repository)))
struct AWSSecretsManagerTests {
  /// One server for all tests, each with secrets of its own.
  private static let shared = Task { try await MotoServer(repository: repository) }

  private static func settings(
    _ server: MotoServer, _ prefix: String, _ installation: InstallationID = SecretStoreContract.installation
  ) -> AWSSecretsManagerSettings {
    AWSSecretsManagerSettings(
      name: "aws", job: "plant", region: "eu-central-1", endpoint: server.url, secretName: prefix + "/{name}",
      tags: ["team": "water"],
      credentials: { () async throws(StoreError) in
        AWSCredentials(keyID: "AKIDEXAMPLE", secretKey: Secret(Array("wJalrXUtnFEMI/K7MDENG".utf8)))
      }, installation: installation)
  }

  private static func store(
    _ server: MotoServer, _ settings: AWSSecretsManagerSettings, _ steps: FaultySteps? = nil
  ) -> any SecretStore {
    AWSSecretsManagerStore.make(settings) { request throws(HTTPError) in
      guard let steps else { return try await server.client.send(request) }
      let fault = HTTPError(
        code: .connectionLost, operation: "POST", message: "the connection was lost", nothingWasSent: false)
      return try await steps.step(fault) { () async throws(HTTPError) in
        try await server.client.send(request)
      }
    }
  }

  @Test(arguments: SecretStoreContract.Rule.allCases)
  func keepsTheContract(_ rule: SecretStoreContract.Rule) async throws {
    let server = try await Self.shared.value
    try await server.reset()
    try await SecretStoreContract { Self.store(server, Self.settings(server, "contract", $0)) }.check(rule)
  }

  /// Requests that are lost on their way, and answers that are.
  @Test(
    arguments: [
      SecretStoreContract.Rule.promotesAndKeepsThePrevious, .rollsBack, .withdraws, .relocates,
      .goesOnAfterARollback,
    ], FaultySteps.Moment.allCases)
  func keepsTheContractWhileRequestsFail(
    _ rule: SecretStoreContract.Rule, _ moment: FaultySteps.Moment
  ) async throws {
    let server = try await Self.shared.value
    var position = moment == .beforeItsEffect ? 2 : 5
    while true {
      try await server.reset()
      let steps = FaultySteps(at: position, moment)
      try await SecretStoreContract { installation in
        RepeatingStore(Self.store(server, Self.settings(server, "faults", installation), steps), attempts: 4)
      }.check(rule)
      guard steps.hasHappened else { break }
      position += 31
    }
  }

  // MARK: Signatures

  /// Signs each request anew as AWS's own client does, and says whether it comes to the same.
  private static let signer = """
    import sys, json, http.server
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *args): pass
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            given = self.headers["Authorization"]
            request = AWSRequest(method="POST", url="http://" + self.headers["Host"] + self.path, data=body)
            for name in given.split("SignedHeaders=")[1].split(",")[0].split(";"):
                if name != "host": request.headers[name] = self.headers[name]
            token = self.headers.get("X-Amz-Security-Token")
            signer = SigV4Auth(Credentials("AKIDEXAMPLE", "wJalr/K7+key", token), "secretsmanager", "eu-central-1")
            request.context["timestamp"] = self.headers["X-Amz-Date"]
            text = signer.string_to_sign(request, signer.canonical_request(request))
            wanted = signer.signature(text, request)
            signed = given.split("SignedHeaders=")[1].split(",")[0].split(";")
            needed = ["host", "x-amz-date", "x-amz-target"] + (["x-amz-security-token"] if token else [])
            answer = json.dumps({"same": given.endswith("Signature=" + wanted) and all(n in signed for n in needed),
                "given": given, "wanted": wanted}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """

  @Test func signaturesAreThoseOfAWSsOwnClient() async throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: repository + "/.build/moto/bin/python")
    process.arguments = ["-c", Self.signer]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    defer {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
    let port = try #require(Int(line.trimmingCharacters(in: .newlines)))
    let client = try HTTPClient()
    defer { client.shutdown() }
    for (body, token) in [
      ("{}", nil), ("", nil), (#"{"SecretId":"plant/a b+ä\u0001"}"#, "token/with+odd=="), ("x", "t"),
    ] {
      final class Answer: @unchecked Sendable { var body: [UInt8] = [] }
      let answer = Answer()
      let credentials = AWSCredentials(
        keyID: "AKIDEXAMPLE", secretKey: Secret(Array("wJalr/K7+key".utf8)),
        sessionToken: token.map { Secret(Array($0.utf8)) })
      let settings = AWSSecretsManagerSettings(
        name: "aws", job: "plant", region: "eu-central-1", endpoint: "http://127.0.0.1:\(port)",
        credentials: { () async throws(StoreError) in credentials },
        installation: SecretStoreContract.installation)
      let aws = AWSClient(settings: settings) { request throws(HTTPError) in
        let response = try await client.send(request)
        answer.body = response.body
        return response
      }
      let buffer = SecretBuffer()
      buffer.append(body)
      _ = try? await aws.call("DescribeSecret", buffer, on: "x")
      let text = String(decoding: answer.body, as: UTF8.self)
      #expect(text.contains(#""same": true"#), "\(text)")
    }
  }

  // MARK: What is wrong

  @Test(arguments: [
    (400, "ThrottlingException", StoreError.Code.unreachable, "throttles"),
    (500, "InternalServiceError", .unreachable, "failed at AWS"),
    (400, "AccessDeniedException", .misconfigured, "denies us DescribeSecret of line-1"),
    (400, "UnrecognizedClientException", .misconfigured, "does not take our credentials"),
    (403, "InvalidSignatureException", .misconfigured, "does not take our credentials"),
    (400, "com.amazonaws#ExpiredTokenException", .misconfigured, "ExpiredTokenException"),
    (400, "DecryptionFailure", .misconfigured, "KMS key"),
    (400, "InvalidRequestException", .conflict, "refuses DescribeSecret"),
    (400, "LimitExceededException", .noRoom, "limit"),
  ])
  func answersAreToldApart(_ status: Int, _ kind: String, _ code: StoreError.Code, _ words: String) async {
    let body = #"{"__type":"\#(kind)","Message":"SecretString was apiv1_leak"}"#
    await expect(status, body, [HTTPHeader("x-amzn-RequestId", "1")], code, words)
  }

  @Test func anAnswerOfAnotherServiceIsTold() async {
    await expect(
      200, "<ListAllMyBucketsResult/>", [HTTPHeader("x-amz-request-id", "1")], .misconfigured,
      "does not answer like")
    await expect(502, "<html>", [], .unreachable, "does not answer like")
  }

  private func expect(
    _ status: Int, _ body: String, _ headers: [HTTPHeader], _ code: StoreError.Code, _ words: String,
    _ location: SourceLocation = #_sourceLocation
  ) async {
    let settings = AWSSecretsManagerSettings(
      name: "aws", job: "plant", region: "eu-central-1", endpoint: "https://aws.example",
      secretName: "{name}",
      credentials: { () async throws(StoreError) in AWSCredentials(keyID: "A", secretKey: Secret([65])) },
      installation: SecretStoreContract.installation)
    let store = AWSSecretsManagerStore.make(settings) { _ throws(HTTPError) in
      HTTPResponse(status: status, headers: headers, body: Array(body.utf8))
    }
    do {
      _ = try await store.read(.current, at: SecretStoreContract.place)
      Issue.record("it succeeded", sourceLocation: location)
    } catch {
      #expect(
        error.code == code && error.message.contains(words) && !"\(error)".contains("leak"), "\(error)",
        sourceLocation: location)
    }
  }

  // MARK: Credentials

  @Test func credentialsAreLookedForInOrder() throws {
    let files = [
      "/home/u/.aws/credentials":
        "[default]\naws_access_key_id = AKD\naws_secret_access_key = sd\n[ci]\naws_access_key_id=AKC\naws_secret_access_key = s=c \naws_session_token=t\n",
      "/home/u/.aws/config": "[default]\nregion = eu-west-1\n[profile ci]\nregion=us-east-1\n",
    ]
    func chain(_ more: [String: String] = [:], _ profile: String? = nil) -> AWSCredentialChain {
      AWSCredentialChain(environment: ["HOME": "/home/u"].merging(more) { $1 }, profile: profile) {
        path throws(StoreError) in files[path].map { Secret(Array($0.utf8)) }
      }
    }
    let environment = ["AWS_ACCESS_KEY_ID": "AKE", "AWS_SECRET_ACCESS_KEY": "se", "AWS_REGION": "sa-east-1"]
    #expect(try chain(environment).credentials().keyID == "AKE" && chain(environment).region() == "sa-east-1")
    #expect(try chain().credentials().keyID == "AKD" && chain().region() == "eu-west-1")
    let named = try chain(environment, "ci").credentials()
    #expect(named.keyID == "AKC" && named.secretKey == Secret(Array("s=c".utf8)))
    #expect(named.sessionToken == Secret([UInt8(ascii: "t")]))
    #expect(try chain(["AWS_PROFILE": "ci"]).region() == "us-east-1")
    #expect(throws: StoreError.self) { try chain([:], "nobody").credentials() }
  }
}
