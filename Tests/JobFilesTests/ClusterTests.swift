import JobFiles
import Testing

/// Clusters of other editions than the first.
@Suite struct ClusterTests {
  @Test func aClusterOfOnesOwnIsKnownByItsHost() throws {
    let workspace = try Workspace()
    let path = try workspace.write(
      "job.toml",
      """
      name = "plant"
      specification = "tokens.csv"
      [cluster]
      product = "clustered"
      host = "influx.example"
      management_token = { file = "token" }
      """)
    let job = try Job.load(path: path, defaults: nil, trust: untrusting)
    #expect(job.cluster.product == .clustered)
    #expect(job.cluster.host == "https://influx.example")
    #expect(job.cluster.accountID == nil)
  }
}
