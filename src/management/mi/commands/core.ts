import type { MiCommand } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';
import { renderTree, treeLine } from '../tree.js';

/** The OpenSIPS version whose management interface is implemented; clients decide by it what they may ask. */
const MI_VERSION = '4.1.0';

/** The commands uptime, version, pwd and arg. */
export function processCommands(deps: MiDependencies): readonly MiCommand[] {
  const { process } = deps;
  return [
    {
      name: 'uptime',
      aliases: ['core:uptime'],
      module: 'core',
      help: 'prints the start time of the server',
      needs: { role: 'viewer' },
      paramLists: [[]],
      run() {
        const now = process.now();
        return {
          Now: calendarTime(now),
          'Up since': calendarTime(process.startedAt),
          'Up time': `${Math.max(0, Math.floor(now / 1000) - Math.floor(process.startedAt / 1000))} [sec]`,
        };
      },
    },
    {
      name: 'version',
      aliases: ['core:version'],
      module: 'core',
      help: 'prints the version of the server',
      needs: { role: 'viewer' },
      paramLists: [[]],
      run: () => ({ Server: `OpenSIPS (${MI_VERSION} (${process.platform})) switchyard (${process.version})` }),
    },
    {
      name: 'pwd',
      aliases: ['core:pwd'],
      module: 'core',
      help: 'prints the working directory of the server',
      needs: { role: 'viewer' },
      paramLists: [[]],
      run: () => ({ WD: process.workingDirectory() }),
    },
    {
      name: 'arg',
      aliases: ['core:arg'],
      module: 'core',
      help: 'prints the arguments the server was started with',
      needs: { role: 'viewer' },
      paramLists: [[]],
      run: () => [...process.argv],
    },
  ];
}

/** The command ps: the processes. */
export function psCommand({ process }: MiDependencies): MiCommand {
  return {
    name: 'ps',
    aliases: ['core:ps'],
    module: 'core',
    help: 'lists the processes of the server',
    needs: { role: 'viewer' },
    paramLists: [[]],
    run: () => ({
      Processes: process.processes().map((each) => ({ ID: each.id, PID: each.pid, Type: each.type })),
    }),
    text: () =>
      process
        .processes()
        .map((each) =>
          treeLine(0, 'Process', '', [
            ['ID', String(each.id)],
            ['PID', String(each.pid)],
            ['Type', each.type],
          ]),
        )
        .join(''),
  };
}

/** The table of commands, for `which` and `help`. */
export interface CommandTable {
  commands(): readonly MiCommand[];
  find(name: string): MiCommand | undefined;
}

/** The command which: lists the commands by today's names, in the line text form by those of 2.1. */
export function whichCommand(table: CommandTable): MiCommand {
  return {
    name: 'which',
    aliases: ['core:which'],
    module: 'core',
    help: 'lists all commands',
    needs: { role: 'viewer' },
    paramLists: [[], [{ name: 'command', type: 'string' }]],
    run(params) {
      if (params['command'] !== undefined) return [modern(required(table, params['command'] as string))];
      return table.commands().map(modern);
    },
    text: () => renderTree(table.commands().map((command) => command.name)),
  };
}

/** The command help: about a command, or about itself. */
export function helpCommand(table: CommandTable): MiCommand {
  return {
    name: 'help',
    aliases: ['core:help'],
    module: 'core',
    help: 'prints what a command does and which module exports it: mi_cmd',
    needs: { role: 'viewer' },
    paramLists: [[], [{ name: 'mi_cmd', type: 'string' }]],
    run(params) {
      if (params['mi_cmd'] === undefined) return { Help: "help mi_cmd - returns information about 'mi_cmd'" };
      const command = required(table, params['mi_cmd'] as string);
      const help = command.helpNotExported === true ? 'not available for this command' : command.help;
      return { Help: help, 'Exported by': command.module };
    },
  };
}

function required(table: CommandTable, name: string): MiCommand {
  const command = table.find(name);
  if (command === undefined) throw new MiError(404, 'unknown MI command');
  return command;
}

/** Today's name "module:command", if there is one. */
function modern(command: MiCommand): string {
  return command.aliases[0] ?? command.name;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Local time in the format of ctime(3): "Sat Nov  7 07:07:52 2026". */
export function calendarTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = String(date.getDate()).padStart(2, ' ');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${day} ${time} ${date.getFullYear()}`;
}
