import type { ProcessInfo, ScriptCommandTable, StatisticsSource } from '../mi/dependencies.js';
import type { RpcCommand } from './command.js';
import { coreCommands, type ShownSocket } from './commands/core.js';
import {
  dispatcherEditCommands,
  dispatcherHashCommand,
  dispatcherPingActiveCommand,
  dispatcherReloadCommand,
  dispatcherStateCommands,
} from './commands/dispatcher-edit.js';
import { dispatcherListCommand, dispatcherOclistCommand } from './commands/dispatcher-list.js';
import { exporterCommands, type MemoryFigures } from './commands/exporter.js';
import { scriptRpcCommands } from './commands/script.js';
import { statsCommands } from './commands/stats.js';
import type { DispatcherView } from './dispatcher-view.js';

/** What the commands need from the rest of the product. */
export interface RpcDependencies {
  readonly view: DispatcherView;
  readonly process: ProcessInfo;
  readonly statistics: StatisticsSource;
  /** The SIP sockets, for lists. */
  sockets(): readonly ShownSocket[];
  /** Memory of the process. */
  memory(): MemoryFigures;
  readonly limits: { readonly maxConnections: number };
  /** Commands of the modules in a configuration file. */
  readonly script?: ScriptCommandTable | undefined;
}

/** All commands except system.*, which the service adds for the whole table. */
export function rpcCommands({
  view,
  process,
  statistics,
  sockets,
  memory,
  limits,
  script,
}: RpcDependencies): readonly RpcCommand[] {
  return [
    dispatcherListCommand(view),
    dispatcherOclistCommand(view),
    ...dispatcherStateCommands(view),
    dispatcherReloadCommand(view),
    ...dispatcherEditCommands(view),
    dispatcherPingActiveCommand(view),
    dispatcherHashCommand(view),
    ...coreCommands(process, sockets),
    ...statsCommands(statistics),
    ...exporterCommands(statistics, memory, limits, sockets),
    ...scriptRpcCommands(script),
  ];
}
