internal import JSONText
internal import RotationModel

/// Turns the cluster's replies into what the published API puts on the wire.
struct AnswerWriter {
  private let product: SandboxOptions.Product
  let accountID: String
  let clusterID: String
  let unknownTokenOnWrite: Int
  let refusesQueriesInside: Bool
  let refusesEmptyWrites: Bool

  init(_ options: SandboxOptions) {
    product = options.product
    accountID = options.accountID.lowercased()
    clusterID = options.clusterID.lowercased()
    unknownTokenOnWrite = options.unknownTokenOnWrite.rawValue
    refusesQueriesInside = options.refusesQueriesInside
    refusesEmptyWrites = options.refusesEmptyWrites
  }

  func answer(_ reply: ClusterReply, to call: ClusterCall, _ malformation: Fault.Malformation?) -> HTTPAnswer
  {
    var answer = plain(reply, to: call, malformation)
    guard answer.status < 300 else { return answer }
    switch malformation {
    case .truncated: answer.body.removeLast(answer.body.count - answer.body.count / 2)
    case .empty: answer.body = []
    case .html:
      answer.body = Array("<html><body><h1>It works!</h1></body></html>\n".utf8)
      answer.contentType = "text/html"
    case nil, .missing, .newline, .short: break
    }
    return answer
  }

  private func plain(
    _ reply: ClusterReply, to call: ClusterCall, _ malformation: Fault.Malformation?
  ) -> HTTPAnswer {
    let isData = call.operation.isData
    switch reply {
    case .created(let created):
      return .json(200) {
        write(created.record, accessToken: spoiled(created.accessToken, malformation), to: &$0)
      }
    case .token(let record):
      return .json(200) { write(record, accessToken: nil, to: &$0) }
    case .tokens(let records):
      return .json(200) { writer in
        writer.array { writer in
          for record in records { write(record, accessToken: nil, to: &writer) }
        }
      }
    case .databases(let names):
      return .json(200) { writer in
        writer.array { writer in
          for name in names { write(database: name, to: &writer) }
        }
      }
    case .revoked: return HTTPAnswer(status: 204)
    case .notFound: return .error(404, StatusText.message(404), isData: isData)
    case .refused(let status, let message, let retryAfterSeconds):
      var answer = HTTPAnswer.error(status, message, isData: isData)
      answer.retryAfterSeconds = retryAfterSeconds
      return answer
    case .access(let access):
      if case .query(_, let database) = call { return queried(access, database) }
      return written(access)
    }
  }

  private func spoiled(_ accessToken: String, _ malformation: Fault.Malformation?) -> String? {
    switch malformation {
    case .missing: nil
    case .newline: accessToken.prefix(40) + "\n" + accessToken.dropFirst(40)
    case .short: String(accessToken.prefix(8))
    case nil, .truncated, .empty, .html: accessToken
    }
  }

  // MARK: The data endpoints

  private func queried(_ access: AccessAnswer, _ database: String) -> HTTPAnswer {
    switch access {
    case .permitted: results(200, error: nil)
    case .unknownToken: .error(401, "unauthorized access", isData: true)
    case .notPermitted:
      refusesQueriesInside
        ? results(200, error: "insufficient permissions")
        : .error(403, "the token may not read this database", isData: true)
    case .databaseNotFound: results(404, error: "database not found: \(database.prefix(64))")
    }
  }

  private func results(_ status: Int, error: String?) -> HTTPAnswer {
    .json(status) { writer in
      writer.object { writer in
        writer.key("results")
        writer.array { writer in
          writer.object { writer in
            if let error { writer.member("error", error) }
            writer.member("statement_id", 0)
          }
        }
      }
    }
  }

  private func written(_ access: AccessAnswer) -> HTTPAnswer {
    switch access {
    case .permitted:
      refusesEmptyWrites
        ? .error(400, "writing requires points", isData: true) : HTTPAnswer(status: 204)
    case .unknownToken:
      .error(unknownTokenOnWrite, "unauthorized access", isData: true)
    case .notPermitted: .error(403, "the token may not write to this database", isData: true)
    case .databaseNotFound: .error(404, "database not found", isData: true)
    }
  }

  // MARK: The Management API

  private func write(_ record: TokenRecord, accessToken: String?, to writer: inout JSONWriter) {
    writer.object { writer in
      writeCluster(to: &writer)
      record.writeMembers(to: &writer)
      if let accessToken { writer.member("accessToken", accessToken) }
    }
  }

  private func writeCluster(to writer: inout JSONWriter) {
    guard product == .dedicated else { return }
    writer.member("accountId", accountID)
    writer.member("clusterId", clusterID)
  }

  /// The limits are the defaults that the specification gives (`ClusterDatabaseMaxTables` and others).
  private func write(database name: String, to writer: inout JSONWriter) {
    writer.object { writer in
      writeCluster(to: &writer)
      writer.member("name", name)
      writer.member("maxTables", 500)
      writer.member("maxColumnsPerTable", 200)
      writer.member("retentionPeriod", 0)
    }
  }
}

extension TokenRecord {
  func writeMembers(to writer: inout JSONWriter) {
    writer.member("id", id)
    writer.member("description", description)
    writer.key("permissions")
    writer.array { writer in
      for permission in permissions.permissions {
        writer.object { writer in
          writer.member("action", permission.action.rawValue)
          writer.member("resource", permission.database)
        }
      }
    }
    writer.member("createdAt", createdAt.rfc3339)
    if let expiresAt { writer.member("expiresAt", expiresAt.rfc3339) }
    if let revokedAt { writer.member("revokedAt", revokedAt.rfc3339) }
  }
}
