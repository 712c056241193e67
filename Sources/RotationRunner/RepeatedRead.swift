import RotationModel
import RotationPorts

/// Why a read of the cluster gave nothing.
enum ReadFailure: Error {
  /// The run or the job ends: a signal, a broken ledger, a refused credential.
  case stop(Stop)
  /// The cluster's last word.
  case failed(ServiceError)

  /// The error as one of the service.
  var service: ServiceError {
    switch self {
    case .failed(let error): error
    case .stop(let stop):
      ServiceError(.cancelled, message: stop.problem?.message ?? "the run was interrupted")
    }
  }

  /// What it means for a job that cannot do without the answer.
  var asStop: Stop {
    switch self {
    case .stop(let stop): stop
    case .failed(let error): .job(Problem(error), .failed)
    }
  }
}

extension Performer {
  /// A read, repeated while repeating may help.
  func reading<Answer: Sendable>(
    _ read: () async throws(ServiceError) -> Answer
  ) async throws(ReadFailure) -> Answer {
    var failures = 0
    while true {
      do throws(Stop) { try await management.take() } catch { throw .stop(error) }
      do throws(ServiceError) {
        return try await read()
      } catch {
        if error.code == .credentialRefused { throw .stop(.credential(Problem(error))) }
        failures += 1
        guard error.isPassing,
          let delay = RetrySchedule.reading.delay(
            afterFailure: failures, retryAfter: error.retryAfter, jitter: ports.random.fraction())
        else { throw .failed(error.tellingLongWish) }
        do throws(Stop) { try await ports.wait(until: ports.clock.uptime + delay) } catch {
          throw .stop(error)
        }
      }
    }
  }
}

extension ServiceError {
  /// The error with the service's wish to be left alone in words, when that was too long to be waited for.
  var tellingLongWish: ServiceError {
    guard isPassing, let retryAfter, retryAfter > RetrySchedule.longestRetryAfter else { return self }
    var error = self
    error.message += ", and asks to be left alone for \(DurationText.format(retryAfter))"
    if retryAfter >= ServiceError.longestRetryAfter { error.message += " or longer" }
    error.hint = "the next run tries again; it need not come earlier than that"
    return error
  }
}
