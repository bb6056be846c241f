import { CommandFault, type ScriptCommand } from '../script/commands.js';

/** Management commands of nathelper. Contacts are not pinged here. */
export const nathelperCommands: readonly ScriptCommand[] = [
  {
    module: 'nathelper',
    mi: 'nh_enable_ping',
    rpc: 'nathelper.enable_ping',
    help: 'whether registered contacts are pinged: they are not, there is no registrar here',
    changes: false,
    parameters: ['ping_mode'],
    required: 0,
    run(_env, { ping_mode: mode }) {
      if (mode === undefined) return { Status: 0 };
      if (!/^\d{1,9}$/.test(mode)) throw new CommandFault(400, 'the mode is a number');
      if (Number(mode) > 0) throw new CommandFault(500, 'no contacts are registered here: nothing is pinged');
      return 'OK';
    },
  },
];
