import HTTPClient
import InfluxAPI
import JobFiles
import RotationPorts

/// Where a job's cluster is and how it is spoken to: what the job says, completed from influxctl's profile.
struct ClusterConnection {
  let cluster: ManagedCluster
  /// The Management API's base.
  let managementURL: String
  /// The query and write endpoint, a full URL.
  let host: String
  let managementToken: Secret
  let tls: HTTPClientConfiguration.TLS

  /// What tells this cluster from others, in the ledger and the audit log: `account/cluster`, or the host of a
  /// cluster that has neither.
  var identity: String {
    switch cluster {
    case .dedicated(let accountID, let clusterID): "\(accountID)/\(clusterID)"
    case .clustered: host
    }
  }

  /// Throws what is missing, or `InfluxctlProfileError`. Reads the management token, which may run a command.
  /// `isOfProfile`: whether there is no job, so that everything comes from the profile.
  init(
    _ settings: ClusterSettings, shownAs path: String, isOfProfile: Bool, profileName: String?,
    profilePath: String, environment: [String: String]
  ) throws {
    let profile = try (profileName ?? settings.profile).map { name in
      try InfluxctlProfile.read(name, path: profilePath)
    }
    let profiled = profile.flatMap { ClusterSettings.Product(rawValue: $0.product.rawValue) }
    let product = settings.product ?? profiled ?? .dedicated
    if let profile, profile.product.rawValue != product.rawValue {
      throw Problem(
        code: "bad_input",
        message:
          "\(path): the cluster is \(product.rawValue), and profile \(profile.name) is for \(profile.product.rawValue)",
        hint: "name a profile of the same product, or leave `product` out")
    }
    func missing(_ key: String, inProfile profileKey: String) -> Problem {
      // Without a job there is the profile only.
      guard let profile, let name = isOfProfile ? profile.name : nil else {
        return Problem(
          code: "bad_input", message: "\(path): [cluster] \(key) is missing",
          hint: "write it into the job, the defaults file or influxctl's profile")
      }
      return Problem(
        code: "bad_input", message: "\(profilePath): profile \(name) has no \(profileKey)",
        hint: "write \(profileKey) = \"…\" into the profile, or name a job with --job")
    }
    func required(_ value: String?, _ fallback: String?, _ key: String) throws -> String {
      if let value = value ?? fallback { return value }
      throw missing(key, inProfile: key)
    }
    switch product {
    case .dedicated:
      let clusterID = try required(settings.clusterID, profile?.clusterID, "cluster_id")
      cluster = .dedicated(
        accountID: try required(settings.accountID, profile?.accountID, "account_id"), clusterID: clusterID)
      // A profile for Cloud Dedicated has no need of a host: the documentation gives it as this.
      let usual = profile.map { _ in "https://\(clusterID).a.influxdb.io" }
      host = try required(settings.host, profile?.host ?? usual, "host")
      managementURL = settings.managementURL ?? "https://console.influxdata.com/api/v0"
    case .clustered:
      guard settings.accountID == nil, settings.clusterID == nil else {
        throw Problem(
          code: "bad_input", message: "\(path): a cluster of InfluxDB Clustered has neither account nor id",
          hint: "it is known by its host; leave account and cluster out")
      }
      cluster = .clustered
      host = try required(settings.host, profile?.host, "host")
      managementURL = settings.managementURL ?? "\(host)/api/v0"
    }
    if let source = settings.managementToken {
      managementToken = try source.read(environment: environment)
    } else if let secret = profile?.managementToken {
      managementToken = secret
    } else {
      throw missing("management_token", inProfile: "mgmt_token")
    }
    tls = HTTPClientConfiguration.TLS(
      authorityFile: settings.tls.authority ?? profile?.authorityFile,
      certificateFile: settings.tls.certificate ?? profile?.certificateFile,
      keyFile: settings.tls.key ?? profile?.keyFile)
    if let key = tls.keyFile { try SecretFile.requireClosed(key) }
  }

  /// A client for so many transfers at once.
  func client(transfers: Int) throws(HTTPError) -> HTTPClient {
    try HTTPClient(
      configuration: HTTPClientConfiguration(
        maximumTransfersInFlight: transfers, maximumConnectionsPerHost: transfers, tls: tls))
  }

  func service(_ client: HTTPClient, requestTimeout: Duration) throws(ServiceError) -> ManagementTokenService
  {
    try ManagementTokenService(
      ManagementTokenService.Configuration(
        managementURL: managementURL, cluster: cluster, managementToken: managementToken,
        requestTimeout: requestTimeout), client: client)
  }
}

extension ClusterSettings {
  /// The cluster's identity as far as the job itself tells it; a profile may know more.
  var identityAsWritten: String {
    let ids = [accountID, clusterID].compactMap(\.self)
    return ids.isEmpty ? host ?? "" : ids.joined(separator: "/")
  }
}
