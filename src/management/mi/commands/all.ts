import type { MiDependencies } from '../dependencies.js';
import type { MiHandler } from '../handler.js';
import { auditCommand } from './audit.js';
import { blacklistCommands } from './blacklists.js';
import { callsCommand } from './calls.js';
import { clusterCommands } from './cluster.js';
import { configReloadCommand } from './config-reload.js';
import { helpCommand, processCommands, psCommand, whichCommand } from './core.js';
import { dsAddCommand, dsPingActiveCommand, dsPushScriptAttrsCommand, dsRemoveCommand } from './ds-edit.js';
import { dsListCommand } from './ds-list.js';
import { dsProbeCommand } from './ds-probe.js';
import { dsReloadCommand } from './ds-reload.js';
import { dsSetStateCommand } from './ds-set-state.js';
import { eventCommands } from './events.js';
import { explainCommand } from './explain.js';
import { logLevelCommand } from './log-level.js';
import { scriptCommands } from './script.js';
import { statisticsCommands } from './statistics.js';
import { statusReportCommands } from './status-reports.js';
import { traceCommands } from './traces.js';

/** Registers all commands, in the order of `which`: as recorded, our own last. A new command needs one line here. */
export function registerCommands(handler: MiHandler, deps: MiDependencies): void {
  for (const command of [
    ...statisticsCommands(deps),
    ...processCommands(deps),
    whichCommand(handler),
    psCommand(deps),
    logLevelCommand(deps),
    helpCommand(handler),
    ...statusReportCommands(deps),
    ...eventCommands(deps),
    ...blacklistCommands(deps),
    dsSetStateCommand(deps),
    dsListCommand(deps),
    dsReloadCommand(deps),
    dsPushScriptAttrsCommand(deps),
    dsAddCommand(deps),
    dsRemoveCommand(deps),
    dsPingActiveCommand(deps),
    auditCommand(deps),
    callsCommand(deps),
    dsProbeCommand(deps),
    configReloadCommand(deps),
    ...(deps.cluster === undefined ? [] : clusterCommands(deps)),
    ...traceCommands(deps),
    explainCommand(deps),
    ...scriptCommands(deps.script),
  ]) {
    handler.register(command);
  }
}
