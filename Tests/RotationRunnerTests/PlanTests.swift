import RotationModel
import RotationPorts
import RotationRunner
import Testing

struct PlanTests {
  private func intended(_ bench: Bench) -> Event {
    .createIntended(generation: 1, attempt: AttemptID(bits: 1), deadline: bench.clock.now)
  }

  private static let done = Event.createDone(attempt: AttemptID(bits: 1), tokenID: "T", expiresAt: nil)
  private static let staged = Event.storeStaged(generation: 1, attempt: AttemptID(bits: 1), store: "file")
  private static let active = Event.activationConfirmed(generation: 1, after: .seconds(1))
  private static let promoted = Event.storePromoted(generation: 1, store: "file")
  private static let unknown = Event.createUnknown(attempt: AttemptID(bits: 1), reason: "no answer")
  private static let revoking = Event.revokeIntended(generation: 1, reason: "refused")

  @Test(
    arguments: [
      ([], .create, "no token yet"),
      ([unknown], .create, "never answered"),
      (
        [unknown, .orphanFound(attempt: AttemptID(bits: 1), tokenID: "T", reason: "lost")], .retire, "orphan"
      ),
      ([done, staged], .create, "not active yet"),
      ([done, staged, active], .create, "not delivered to store file"),
      ([done, staged, active, promoted], .create, "not recorded yet"),
      (
        [done, staged, active, promoted, .deliveryDone(generation: 1, at: Instant(milliseconds: 0))],
        .nothing, "current"
      ),
      ([done, staged, revoking], .retire, "a revocation that was begun is completed"),
      ([done], .create, "interrupted run left attempt 0000000000000001"),
    ] as [([Event], PlannedStep.Kind, String)])
  func eachActionHasItsLine(events: [Event], kind: PlannedStep.Kind, reason: String) throws {
    let bench = Bench("a")
    if !events.isEmpty { bench.remember("a", [intended(bench)] + events) }
    if kind == .nothing {
      // What the ledger calls current is in the store.
      bench.store.current["a"] = StoredToken(
        generation: 1, attempt: AttemptID(bits: 1), tokenID: "T", accessToken: Secret("apiv1_x".utf8),
        host: "https://cluster.example", databases: [], expiresAt: nil)
    }
    let before = try bench.machine("a")
    let plan = try #require(bench.plan())
    #expect(plan.steps.map(\.kind) == [kind] && plan.steps.first?.reason.contains(reason) == true, "\(plan)")
    #expect(plan.exit == (kind == .nothing ? 0 : 10))
    #expect(bench.cluster.changes == 0 && bench.store.changes == 0 && bench.audit.lines.isEmpty)
    #expect(bench.cluster.requests.allSatisfy { $0.request == .list || $0.request == .databases })
    #expect(try bench.machine("a") ?? RotationMachine() == before ?? RotationMachine())
  }

  @Test func whatNeedsAPersonComesBeforeWhatIsToBeDone() throws {
    let bench = Bench("a")
    #expect(bench.run()?.exit == 0)
    bench.rows.append(Bench.row("b"))
    bench.cluster.plant(id: "F", description: bench.marker("a", attempt: 9).text)
    bench.cluster.plant(id: "G", description: bench.marker("nobody", attempt: 9).text)
    let changes = bench.cluster.changes
    let plan = try #require(bench.plan())
    #expect(plan.steps.map(\.name) == ["a", "b", "nobody"])
    #expect(plan.steps.map(\.kind) == [.needsPerson, .create, .needsPerson] && plan.exit == 8)
    #expect(bench.cluster.changes == changes)
  }

  @Test func anOrphanThatTheListingShowsIsPlannedFor() throws {
    let bench = Bench("a")
    bench.remember("a", [intended(bench), PlanTests.unknown])
    bench.cluster.plant(id: "T", description: bench.marker("a", attempt: 1).text)
    let plan = try #require(bench.plan())
    #expect(plan.steps.map(\.kind) == [.retire] && plan.steps.first?.reason.contains("T") == true)
    #expect(bench.cluster.changes == 0)
  }

  @Test func theEndOfAWatchIsForeseen() throws {
    let bench = Bench("a")
    bench.cluster.creations["a"] = [.vanish(effectAfter: nil)]
    #expect(bench.run()?.exit == 0 && bench.cluster.posts.count == 2)
    bench.clock.advance(by: Attempt.watch - .seconds(60))
    #expect(bench.plan()?.steps.map(\.kind) == [.nothing])
    bench.clock.advance(by: .seconds(120))
    let plan = try #require(bench.plan())
    #expect(plan.exit == 8 && plan.steps.map(\.kind) == [.needsPerson])
    #expect(plan.steps.first?.reason.contains("was never answered") == true)
    #expect(!bench.events().contains("create.watch_ended"), "a plan records nothing")
    let told = try #require(bench.run())
    #expect(told.exit == 8 && told.token("a")?.problem?.code == "attempt_unknown")
    #expect(bench.plan()?.exit == 0 && bench.run()?.exit == 0)
  }

  @Test func whatRefusesARunRefusesItsPlan() throws {
    let bench = Bench("a", "b")
    bench.limits.maximumCreates = 1
    #expect(bench.plan()?.exit == 2)
    bench.limits.maximumCreates = 2
    bench.cluster.databases = ["air"]
    #expect(bench.plan()?.exit == 2)
    bench.cluster.databases = ["air", "water"]
    bench.cluster.plant(id: "old", description: bench.marker("a", attempt: 1).text)
    #expect(bench.plan()?.exit == 8)
    #expect(bench.cluster.changes == 0)
  }

  @Test func onlyTheNamedTokensArePlanned() throws {
    let bench = Bench("a", "b")
    bench.only = ["b"]
    #expect(bench.plan()?.steps.map(\.name) == ["b"])
  }

  @Test func theSignsAreThoseOfTheInterface() {
    #expect(PlannedStep.Kind.allCases.map(\.rawValue) == ["+", "~", "-", "!", "="])
    #expect(Set(PlannedStep.Kind.allCases.map(\.word)).count == 5)
  }
}
