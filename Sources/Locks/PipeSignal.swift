internal import Glibc

/// A write into a pipe that nobody reads raises SIGPIPE, whose default is death: a run would die half-way
/// because `head` had seen enough. The signal is held back for this thread and taken away again, so that
/// neither the process nor its children inherit another disposition.
package func withoutPipeSignal(_ body: () -> Int32?) -> Int32? {
  var pipeOnly = sigset_t()
  var before = sigset_t()
  var pending = sigset_t()
  sigemptyset(&pipeOnly)
  sigaddset(&pipeOnly, SIGPIPE)
  sigpending(&pending)
  let wasPending = sigismember(&pending, SIGPIPE) == 1
  pthread_sigmask(SIG_BLOCK, &pipeOnly, &before)
  let failure = body()
  if failure == EPIPE, !wasPending {
    var atOnce = timespec()
    while sigtimedwait(&pipeOnly, nil, &atOnce) == -1, errno == EINTR {}
  }
  pthread_sigmask(SIG_SETMASK, &before, nil)
  return failure
}
