import { CommandFault, type ScriptCommand } from '../script/commands.js';
import { contactPings } from './registrar/pings.js';

/** Management commands of nathelper. */
export const nathelperCommands: readonly ScriptCommand[] = [
  {
    module: 'nathelper',
    mi: 'nh_enable_ping',
    rpc: 'nathelper.enable_ping',
    help: 'shows whether registered contacts are pinged; ping_mode 0 stops pings, others start them',
    changes: true,
    parameters: ['ping_mode'],
    required: 0,
    run({ dialect, modules }, { ping_mode: mode }) {
      const pings = dialect === 'kamailio' ? modules.of(contactPings) : undefined;
      if (mode === undefined) return { Status: pings?.isOn === true && pings.interval > 0 ? 1 : 0 };
      if (!/^\d{1,9}$/.test(mode)) throw new CommandFault(400, 'the mode must be a number');
      if (pings === undefined || pings.interval === 0) {
        if (Number(mode) > 0) throw new CommandFault(500, 'no contacts are pinged: natping_interval is not set');
        return 'OK';
      }
      pings.isOn = Number(mode) > 0;
      return 'OK';
    },
  },
];
