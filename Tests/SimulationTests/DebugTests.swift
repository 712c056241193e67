import Testing
import RotationTestKit
struct DebugTests {
  @Test func one() {
    let s = Simulation(seed: 18)
    let v = s.run()
    print("VIOLATION", v ?? "none", "dead", s.world.isDead, "posts", s.world.posts.count, s.world.lineages.values.map { ($0.name, $0.machine.status) })
    print(s.world.reports.suffix(5))
  }
}
