import JobFiles
import RotationPorts
import SecretStores

extension StoreWiring {
  func command(_ command: StoreSettings.Command, named name: String, of job: Job) -> any SecretStore {
    let settings = CommandStoreSettings(
      name: name,
      commands: CommandStoreSettings.Commands(
        promote: command.promote, stage: command.stage, read: command.read, discard: command.discard),
      workingDirectory: job.folder, environment: wiring.environment.variables, timeout: command.timeout,
      directory: "\(wiring.state.path)/stores/\(job.name)/\(command.name)",
      pendingKey: command.pendingKey.map { read($0, "pending_key") }, installation: installation)
    return CommandStore.make(settings, fileSystem: wiring.files, executor: wiring.threads)
  }
}
