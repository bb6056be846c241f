import { CommandFault, type ScriptCommand } from '../script/commands.js';

/** Management commands of nathelper. Contacts are not pinged here. */
export const nathelperCommands: readonly ScriptCommand[] = [
  {
    module: 'nathelper',
    mi: 'nh_enable_ping',
    rpc: 'nathelper.enable_ping',
    help: 'shows whether registered contacts are pinged: they are not, as this process has no registrar',
    changes: false,
    parameters: ['ping_mode'],
    required: 0,
    run(_env, { ping_mode: mode }) {
      if (mode === undefined) return { Status: 0 };
      if (!/^\d{1,9}$/.test(mode)) throw new CommandFault(400, 'the mode must be a number');
      if (Number(mode) > 0) throw new CommandFault(500, 'this process has no registered contacts to ping');
      return 'OK';
    },
  },
];
