/// Where text goes: standard output, standard error, or a test's memory.
public protocol TextSink: Sendable {
  /// Takes all of `text`. A sink that cannot write any more swallows it and remembers why.
  func write(_ text: String)
}
