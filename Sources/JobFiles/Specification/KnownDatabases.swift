import RotationModel

/// What is wrong with a database that somebody named and the cluster does not have.
public enum DatabaseComplaint {
  /// `the cluster has no database "plnt" (is it "plant"?)`
  public static func text(about name: String, known: Set<String>) -> String? {
    KnownDatabases(known).problem(with: name).map { problem in
      problem.message + (problem.hint.map { " (\($0))" } ?? "")
    }
  }
}

/// The databases of a cluster, to hold the names in a CSV against.
struct KnownDatabases {
  private let names: Set<String>
  private let sorted: [String]

  init(_ names: Set<String>) {
    self.names = names
    sorted = names.sorted()
  }

  /// What is wrong with a name, in the form in which `CellReader` notes it.
  func problem(with name: String) -> (message: String, offset: Int, hint: String?)? {
    guard name != Permission.everyDatabase, !names.contains(name) else { return nil }
    let nearest = Suggestion.nearest(to: name, among: sorted)
    let hint = nearest.map { "is it \(Shown.text($0))?" } ?? "create it on the cluster, or correct the name"
    return ("the cluster has no database \(Shown.text(name))", 0, hint)
  }
}
