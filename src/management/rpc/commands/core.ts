import { calendarTime } from '../../mi/commands/core.js';
import type { ProcessInfo } from '../../mi/dependencies.js';
import { type RpcCommand, RpcError } from '../command.js';
import { list, manyResult, type RpcMember, struct, textResult, valuesResult } from '../value.js';

/** A SIP socket, for lists. */
export interface ShownSocket {
  readonly transport: string;
  readonly address: string;
  readonly port: number;
  /** Open connections of a stream socket. */
  readonly counts?: { readonly inbound: number; readonly outbound: number };
}

/** The core.* commands that clients use. */
export function coreCommands(process: ProcessInfo, sockets: () => readonly ShownSocket[]): readonly RpcCommand[] {
  const uptime = (): number => Math.max(0, Math.floor(process.now() / 1000) - Math.floor(process.startedAt / 1000));
  const name = `switchyard ${process.version}`;
  return [
    {
      name: 'core.version',
      help: 'Returns the version string of the server.',
      needs: { role: 'viewer' },
      run: () => textResult(`${name} (${process.platform}) `),
    },
    {
      name: 'core.uptime',
      help: 'Returns uptime of SIP server.',
      needs: { role: 'viewer' },
      run: () =>
        valuesResult(
          struct(
            ['now', calendarTime(process.now())],
            ['up_since', calendarTime(process.startedAt)],
            ['uptime', uptime()],
          ),
        ),
    },
    {
      name: 'core.info',
      help: 'Verbose info, including version number, compile flags, compiler,repository hash a.s.o.',
      needs: { role: 'viewer' },
      run: () =>
        valuesResult(struct(['version', name], ['id', 'unknown '], ['compiler', ''], ['compiled', ''], ['flags', ''])),
    },
    {
      name: 'core.runinfo',
      help: 'Runtime info - binary name, version, uptime, ...',
      needs: { role: 'viewer' },
      run: () =>
        valuesResult(
          struct(
            ['name', 'switchyard'],
            ['version', process.version],
            ['sourceid', 'unknown '],
            ['compiler', ''],
            ['compiled', ''],
            ['time_now', calendarTime(process.now())],
            ['time_started', calendarTime(process.startedAt)],
            ['uptime_secs', uptime()],
            ['utime_days', inDays(uptime())],
          ),
        ),
    },
    {
      name: 'core.pwd',
      help: 'Returns the working directory of server.',
      needs: { role: 'viewer' },
      run: () => valuesResult(process.workingDirectory()),
    },
    {
      name: 'core.arg',
      help: 'Returns the list of command line arguments used on startup.',
      needs: { role: 'viewer' },
      run: () => valuesResult(...process.argv),
    },
    {
      name: 'core.ps',
      help: 'Returns the description of running processes.',
      needs: { role: 'viewer' },
      run: () => valuesResult(...process.processes().flatMap((each) => [each.pid, each.type])),
    },
    {
      name: 'core.psx',
      help: 'Returns the detailed description of running processes.',
      needs: { role: 'viewer' },
      run: () =>
        manyResult(process.processes().map((each) => struct(['IDX', each.id], ['PID', each.pid], ['DSC', each.type]))),
    },
    {
      name: 'core.psa',
      help: 'Return all the attributes of running processes.',
      needs: { role: 'viewer' },
      run: () =>
        manyResult(
          process
            .processes()
            .map((each) =>
              struct(['index', each.id], ['pid', each.pid], ['status', 1], ['rank', 0], ['description', each.type]),
            ),
        ),
    },
    {
      name: 'core.echo',
      help: 'Returns back its parameters.',
      needs: { role: 'viewer' },
      run(args) {
        const texts: string[] = [];
        for (let i = 0, text = args.printable(0); text !== undefined; text = args.printable(++i)) texts.push(text);
        return valuesResult(...texts);
      },
    },
    {
      name: 'core.prints',
      help: 'Returns the strings given as parameters.',
      needs: { role: 'viewer' },
      run(args) {
        const texts: string[] = [];
        for (let i = 0, text = args.text(0); text !== undefined; text = args.text(++i)) texts.push(text);
        return valuesResult(...texts);
      },
    },
    {
      name: 'core.printi',
      help: 'Returns the integers given as parameters.',
      needs: { role: 'viewer' },
      run(args) {
        const numbers: number[] = [];
        for (let i = 0; i < args.count; i++) {
          const value = args.int(i);
          if (value === undefined) throw new RpcError(400, `error at parameter ${i}: expected integer type`);
          numbers.push(value);
        }
        return valuesResult(...numbers);
      },
    },
    {
      name: 'core.sockets_list',
      help: 'List local SIP server listen sockets',
      needs: { role: 'viewer' },
      run: () =>
        valuesResult(
          list(
            sockets().map(
              ({ transport, address, port }): RpcMember => [
                'socket',
                struct(
                  ['proto', transport],
                  ['address', address],
                  ['ipaddress', address],
                  ['port', String(port)],
                  ['mcast', 'no'],
                  ['mhomed', 'no'],
                  ['virtual', 'no'],
                ),
              ],
            ),
          ),
        ),
    },
    {
      name: 'corex.list_sockets',
      help: 'List listening sockets',
      needs: { role: 'viewer' },
      run: () =>
        manyResult(
          sockets().map(({ transport, address, port }) =>
            struct(
              ['PROTO', transport],
              ['NAME', address],
              ['ADDRLIST', struct(['ADDR', address])],
              ['PORT', String(port)],
              ['MCAST', 'no'],
              ['MHOMED', 'no'],
              ['VIRTUAL', 'no'],
              ['SOCKNAME', '-'],
              ['ADVERTISE', '-'],
            ),
          ),
        ),
    },
  ];
}

function inDays(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  return `${days}d ${hours}h ${Math.floor(seconds / 60) % 60}m ${seconds % 60}s`;
}
