import RotationModel

/// What a row says about its token's age and lifetime, held against the job's `[rotation]`. What the job
/// says for all rows was checked there.
extension RowDecoder {
  func checkRotation(_ row: SpecificationRow, _ cells: inout CellReader) {
    let age = cell(.rotateEvery, of: cells.record)
    guard let rotation else {
      if let age {
        cells.note(
          "rotate_every, where nothing is rotated", at: age,
          hint: "leave it empty, or add [rotation] to the job file; `create` never rotates")
      }
      return
    }
    if let age, let every = row.rotateEvery, !rotation.allows(age: every) {
      cells.note(
        "rotate_every must be longer than the job's \(rotation.replacementShown)", at: age,
        hint: "a token is replaced once its predecessor is gone")
    }
    // A cell that was refused says nothing about the other.
    guard age == nil || row.rotateEvery != nil else { return }
    if let own = cell(.expiresIn, of: cells.record) {
      guard case .after(let lifetime) = row.expiry else { return }
      checkOwn(lifetime, row, rotation, &cells, at: own)
    } else if cell(.expiresAt, of: cells.record) == nil, let age, let every = row.rotateEvery,
      let lifetime = rotation.rotation.expiresIn, !rotation.outlivesOverlap(lifetime: lifetime, age: every)
    {
      cells.note(
        "rotate_every and overlap (\(DurationText.format(rotation.rotation.overlap))) together are longer than"
          + " the job's expires_in (\(DurationText.format(lifetime)))", at: age,
        hint: "else the token expires while it should work beside its successor; the row may have an"
          + " expires_in of its own")
    }
  }

  private func checkOwn(
    _ lifetime: Duration, _ row: SpecificationRow, _ rotation: RotationBounds, _ cells: inout CellReader,
    at index: Int
  ) {
    let settings = rotation.rotation
    if let age = row.rotateEvery ?? settings.every, !rotation.outlivesOverlap(lifetime: lifetime, age: age) {
      let name = row.rotateEvery == nil ? "the job's every" : "rotate_every"
      cells.note(
        "expires_in must be at least \(name) (\(DurationText.format(age))) and overlap"
          + " (\(DurationText.format(settings.overlap))) together", at: index,
        hint: "else the token expires while it should work beside its successor")
    }
    if let renewBefore = settings.renewBefore, renewBefore >= lifetime {
      cells.note(
        "expires_in must be longer than the job's renew_before (\(DurationText.format(renewBefore)))",
        at: index, hint: "else the token is due as soon as it is created")
    } else if !rotation.leavesRoom(lifetime: lifetime) {
      let renewBefore = settings.renewBefore.map { " (\(DurationText.format($0)))" } ?? " (a third of it)"
      cells.note(
        "expires_in less renew_before\(renewBefore) must be longer than the job's"
          + " \(rotation.replacementShown)", at: index,
        hint: "else the token is due again before its predecessor is gone")
    }
  }

  /// The column of a cell with a value.
  private func cell(_ column: SpecificationColumns.Column, of record: CSVRecord) -> Int? {
    columns.columns.firstIndex(of: column).flatMap { record.value($0).isEmpty ? nil : $0 }
  }
}
