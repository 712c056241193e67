public import RotationPorts

/// What a command line says about a cluster, in place of its job or profile.
extension ClusterSettings {
  /// Takes each value that is not nil, judged as in a job file.
  ///
  /// - Throws: `Problem` for one that is wrong.
  public mutating func override(
    accountID: String?, clusterID: String?, host: String?, managementURL: String?
  ) throws(Problem) {
    if let accountID { self.accountID = try ClusterSettings.uuid(accountID, "--account") }
    if let clusterID {
      let id = try ClusterSettings.uuid(clusterID, "--cluster")
      self.clusterID = id
      // Another cluster has another host, and what is asked there comes with a token's string.
      self.host = "https://\(id).a.influxdb.io"
    }
    if let host { self.host = try ClusterSettings.url(host, "--host", allowsPath: false, scheme: "https") }
    if let managementURL {
      self.managementURL = try ClusterSettings.url(
        managementURL, "--management-url", allowsPath: true, scheme: nil)
    }
  }

  private static func uuid(_ text: String, _ option: String) throws(Problem) -> String {
    guard UUIDText.isValid(text) else {
      throw Problem(
        code: "bad_input", message: "\(option): \"\(text)\" is not a UUID",
        hint: "the console and influxctl show it")
    }
    return text.lowercased()
  }

  private static func url(
    _ text: String, _ option: String, allowsPath: Bool, scheme: String?
  ) throws(Problem) -> String {
    do throws(EndpointURL.Problem) {
      return try EndpointURL.normalize(text, allowsPath: allowsPath, defaultScheme: scheme)
    } catch {
      throw Problem(code: "bad_input", message: "\(option): \(error.message)", hint: error.hint)
    }
  }
}
