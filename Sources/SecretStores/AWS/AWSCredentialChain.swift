public import RotationPorts

/// Where credentials for AWS are looked for: the environment, then the shared files, as AWS's own tools do
/// (AWS SDKs and Tools Reference Guide, "credential provider chain"). Looked up for each request, so that whoever
/// renews them is noticed.
public struct AWSCredentialChain: Sendable {
  private let environment: [String: String]
  private let profile: String?
  private let readFile: @Sendable (String) throws(StoreError) -> Secret?

  /// - Parameters:
  ///   - profile: nil: `AWS_PROFILE`, else `default`.
  ///   - readFile: a file of credentials; nil when it is missing.
  public init(
    environment: [String: String], profile: String?,
    readFile: @escaping @Sendable (String) throws(StoreError) -> Secret?
  ) {
    self.environment = environment
    self.profile = profile
    self.readFile = readFile
  }

  private var profileName: String { profile ?? environment["AWS_PROFILE"] ?? "default" }
  private func path(_ variable: String, _ file: String) -> String {
    environment[variable] ?? "\(environment["HOME"] ?? "/root")/.aws/\(file)"
  }

  /// Throws `StoreError.misconfigured` with all that was looked at when there are none.
  public func credentials() throws(StoreError) -> AWSCredentials {
    // A profile that the job names outranks what happens to be in the environment.
    if profile == nil, let keyID = environment["AWS_ACCESS_KEY_ID"], !keyID.isEmpty,
      let key = environment["AWS_SECRET_ACCESS_KEY"], !key.isEmpty
    {
      let token = environment["AWS_SESSION_TOKEN"].flatMap { $0.isEmpty ? nil : Secret(Array($0.utf8)) }
      return AWSCredentials(keyID: keyID, secretKey: Secret(Array(key.utf8)), sessionToken: token)
    }
    let path = path("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    let settings = try section(profileName, of: path)
    guard let keyID = settings["aws_access_key_id"], let key = settings["aws_secret_access_key"] else {
      throw StoreError(
        .misconfigured,
        message:
          "there are no credentials for AWS: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor profile "
          + "\(profileName) in \(path)",
        hint:
          "Put them into one of these. Roles of containers, instances and web identities are not supported by this version yet."
      )
    }
    return AWSCredentials(
      keyID: keyID.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }, secretKey: key,
      sessionToken: settings["aws_session_token"])
  }

  /// The region that environment or profile name; nil: none does.
  public func region() throws(StoreError) -> String? {
    for variable in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
      if let region = environment[variable], !region.isEmpty { return region }
    }
    let path = path("AWS_CONFIG_FILE", "config")
    let name = profileName == "default" ? "default" : "profile \(profileName)"
    return try section(name, of: path)["region"].map {
      $0.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }
  }

  /// The settings under `[name]`: `key = value`, a line each.
  private func section(_ name: String, of path: String) throws(StoreError) -> [String: Secret] {
    guard let file = try readFile(path) else { return [:] }
    var settings: [String: Secret] = [:]
    var isInside = false
    file.withUnsafeBytes { bytes in
      for line in bytes.split(separator: UInt8(ascii: "\n")) {
        let text = AWSCredentialChain.trimmed(line)
        if text.first == UInt8(ascii: "["), let end = text.firstIndex(of: UInt8(ascii: "]")) {
          isInside = AWSCredentialChain.trimmed(text[(text.startIndex + 1)..<end]).elementsEqual(name.utf8)
        } else if isInside, let equals = text.firstIndex(of: UInt8(ascii: "=")) {
          let key = AWSCredentialChain.trimmed(text[..<equals])
          settings[String(decoding: key, as: UTF8.self).lowercased()] = Secret(
            AWSCredentialChain.trimmed(text[(equals + 1)...]))
        }
      }
    }
    return settings
  }

  private static func trimmed(
    _ bytes: Slice<UnsafeRawBufferPointer>
  ) -> Slice<UnsafeRawBufferPointer> {
    var bytes = bytes
    func isBlank(_ byte: UInt8?) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    while isBlank(bytes.first) { bytes = bytes.dropFirst() }
    while isBlank(bytes.last) { bytes = bytes.dropLast() }
    return bytes
  }
}
