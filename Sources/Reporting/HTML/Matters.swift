import RotationPorts

/// What is to be read first, with what is alike told together: a hundred tokens that are overdue are one matter with a
/// number, and hide no other.
struct Matters: Equatable {
  struct Group: Equatable {
    var job: String?
    var code: String
    /// Of the first of them.
    var hint: String?
    /// Of the first few.
    var messages: [String]
    var count: Int
  }

  private static let messagesShown = 3
  private static let groupsShown = 30

  /// What concerns all jobs comes first.
  private(set) var groups: [Group] = []
  /// How many there are, those that no group tells included.
  private(set) var total = 0

  mutating func add(_ problem: Problem, job: String?) {
    total += 1
    if let known = groups.firstIndex(where: { $0.code == problem.code && $0.job == job }) {
      groups[known].count += 1
      if groups[known].messages.count < Matters.messagesShown {
        groups[known].messages.append(problem.message)
      }
      return
    }
    guard groups.count < Matters.groupsShown || job == nil else { return }
    let group = Group(
      job: job, code: problem.code, hint: problem.hint, messages: [problem.message], count: 1)
    let place = job == nil ? groups.firstIndex { $0.job != nil } : nil
    groups.insert(group, at: place ?? groups.endIndex)
  }

  /// How many no group tells.
  var untold: Int { total - groups.reduce(0) { $0 + $1.count } }
}
