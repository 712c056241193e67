import RotationModel
import RotationPorts
import Testing

struct DesiredTokenTests {
  private func token(_ permissions: [Permission], replaces: String?) -> DesiredToken {
    DesiredToken(
      name: "a", description: "a", permissions: PermissionSet(permissions), expiry: .never,
      place: StorePlace(job: "plant", name: "a"), replaces: replaces)
  }

  @Test func onlyAReplacedTokenHandsItsPermissionsOnAndOnlyIfTheRowNamesNone() {
    #expect(token([], replaces: "id").inheritsPermissions)
    #expect(!token([Permission(.read, "db")], replaces: "id").inheritsPermissions)
    #expect(!token([], replaces: nil).inheritsPermissions)
  }
}
