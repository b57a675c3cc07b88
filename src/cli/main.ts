import { Command } from 'commander';
import { FettleError } from '../core/errors.ts';
import { version } from '../gateway/gateway.ts';
import { auditCommand, tokenCommand, userCommand } from './access.ts';
import { backupCommand, restoreCommand } from './backup.ts';
import { checkCommand } from './check.ts';
import { compressCommand } from './compress.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { evaluateCommand } from './evaluate.ts';
import { exposeCommand } from './expose.ts';
import { historyCommand } from './history.ts';
import { initCommand } from './init.ts';
import { maintenanceCommand } from './maintenance.ts';
import { markCommand } from './mark.ts';
import { modbusCommand } from './modbus.ts';
import { modelCommand } from './model.ts';
import { mqttCommand } from './mqtt.ts';
import { plantCommand } from './plant.ts';
import { reloadCommand } from './reload.ts';
import { runCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { tagCommand } from './tag.ts';
import { tagsCommand } from './tags.ts';
import { trainCommand } from './train.ts';
import { upgradeCommand } from './upgrade.ts';

const program = new Command('fettle')
  .description('Watches machines over Modbus and MQTT, tells when one is not in fine fettle, and loses nothing on the way to the cloud.')
  .version(version)
  .showHelpAfterError();

const commands = [
  demoCommand,
  plantCommand,
  runCommand,
  checkCommand,
  statusCommand,
  tagsCommand,
  doctorCommand,
  initCommand,
  modbusCommand,
  mqttCommand,
  trainCommand,
  evaluateCommand,
  compressCommand,
  modelCommand,
  markCommand,
  maintenanceCommand,
  tagCommand,
  reloadCommand,
  backupCommand,
  restoreCommand,
  upgradeCommand,
  historyCommand,
  userCommand,
  tokenCommand,
  auditCommand,
  exposeCommand,
];
for (const command of commands) program.addCommand(command());

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof FettleError)) throw error;
  process.stderr.write(
    `${error.message}\n${error.hint === undefined ? '' : `→ ${error.hint}\n`}${error.code === 'FETTLE_CONFIG_INVALID' ? '' : `(${error.code})\n`}`,
  );
  process.exitCode = error.code === 'FETTLE_CONFIG_INVALID' ? 2 : 1;
}
