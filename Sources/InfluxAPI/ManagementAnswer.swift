internal import HTTPClient
internal import RotationModel
internal import RotationPorts

/// Judges the answers of a Management API. Pure, and the same for each edition that has these schemas.
enum ManagementAnswer {
  typealias Answer = Result<HTTPResponse, HTTPError>

  /// The statuses after which nothing can have been changed. Everything else that is no success leaves
  /// open what was done: 409 is not documented, and a 5xx may come from a proxy that gave up waiting.
  static func isDefiniteRefusal(_ status: Int) -> Bool {
    switch status {
    case 400, 401, 403, 404, 413, 422, 429: true
    default: false
    }
  }

  /// What became of a creation: only a 200 that can be read is a token, only a definite refusal or proof
  /// that nothing was sent is none.
  static func judgeCreation(_ answer: Answer, of call: ManagementCall) -> CreateAnswer {
    switch answer {
    case .failure(let failure):
      return failure.nothingWasSent ? .refused(call.error(failure)) : .unknown(call.error(failure))
    case .success(let response) where response.status == 200:
      do throws(CreatedTokenBody.Unusable) {
        return .created(try CreatedTokenBody.read(response.body))
      } catch {
        return .unknown(call.malformed(error.rawValue, status: 200))
      }
    case .success(let response):
      let error = call.error(response)
      return isDefiniteRefusal(response.status) ? .refused(error) : .unknown(error)
    }
  }

  /// What became of a PATCH. A 200 must show the token that was asked for, with the permissions it was
  /// given, because a disable that did not happen may not be taken for one.
  static func judgeUpdate(
    _ answer: Answer, of call: ManagementCall, id: String, permissions: PermissionSet?
  ) -> ChangeAnswer {
    guard case .success(let response) = answer, response.status == 200 else {
      return judgeChange(answer, of: call)
    }
    do throws(ServiceError) {
      let token = try judgeToken(response, of: call, id: id)
      if let permissions, token.permissions != permissions {
        return .unknown(call.malformed("it shows other permissions than were set", status: 200))
      }
      return .done
    } catch {
      return .unknown(error)
    }
  }

  /// What became of a DELETE. Documented is 204; a 200 is as good.
  static func judgeRevocation(_ answer: Answer, of call: ManagementCall) -> ChangeAnswer {
    if case .success(let response) = answer, response.status == 204 || response.status == 200 { return .done }
    return judgeChange(answer, of: call)
  }

  private static func judgeChange(_ answer: Answer, of call: ManagementCall) -> ChangeAnswer {
    switch answer {
    case .failure(let failure):
      return failure.nothingWasSent ? .refused(call.error(failure)) : .unknown(call.error(failure))
    case .success(let response) where response.status == 404:
      return .notFound
    case .success(let response):
      let error = call.error(response)
      return isDefiniteRefusal(response.status) ? .refused(error) : .unknown(error)
    }
  }

  /// The response of a read when it is a 200; everything else is thrown.
  static func success(_ answer: Answer, of call: ManagementCall) throws(ServiceError) -> HTTPResponse {
    switch answer {
    case .failure(let failure): throw call.error(failure)
    case .success(let response) where response.status == 200: return response
    case .success(let response): throw call.error(response)
    }
  }

  /// One token of a 200.
  static func judgeToken(
    _ response: HTTPResponse, of call: ManagementCall, id: String
  ) throws(ServiceError) -> TokenRecord {
    let token = try ListedToken.one(response, of: call)
    guard token.id == TokenIDText.uniform(id) else {
      throw call.malformed("it shows another token than was asked for", status: response.status)
    }
    return token
  }
}
