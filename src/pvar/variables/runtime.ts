import { avpName } from '../../core/avp-name.js';
import { trimmed } from '../../core/characters.js';
import { bracketed } from '../../core/uri.js';
import type { PvarContext } from '../context.js';
import { formatTime, timeText } from '../time-format.js';
import { cellFinder } from '../var-store.js';
import { each, orNull, pick, plain, type TextReader, type VariableDefinition } from './definition.js';

const scriptVariable: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const name = argument as TextReader;
    if (name.constant !== undefined) {
      const cellIn = cellFinder(name.constant);
      return {
        get: (context) => cellIn(context.vars).value ?? null,
        set: (context, value) => {
          cellIn(context.vars).value = value ?? undefined;
        },
      };
    }
    return {
      get: (context) => context.vars.get(name.read(context)) ?? null,
      set: (context, value) => {
        const key = name.read(context);
        if (value === null) context.vars.delete(key);
        else context.vars.set(key, value);
      },
    };
  },
};

/**
 * Assigning pushes a value. With an index it replaces that value, with "[*]" all values; with "[append]" it adds the
 * value as the oldest. Assigning null deletes the newest value, the one at the index, or all.
 */
const avp: VariableDefinition = {
  argument: 'required',
  indexed: true,
  compile(argument, index) {
    const text = argument as TextReader;
    const constant = text.constant === undefined ? undefined : avpName(text.constant);
    if (constant === '') throw new Error('needs a name');
    const nameIn = (context: PvarContext) => constant ?? avpName(text.read(context));
    const count = (context: PvarContext) => context.avps.count(nameIn(context));
    const at = (context: PvarContext, i: number) => context.avps.get(nameIn(context), i);
    return {
      get: pick(index, count, at),
      all: each(index, count, at),
      replace: (context, value) => {
        if (value === null) context.avps.delete(nameIn(context));
        else context.avps.set(nameIn(context), value);
      },
      set: (context, value) => {
        const { avps } = context;
        const name = nameIn(context);
        if (index?.kind === 'all') {
          if (value === null) avps.delete(name);
          else avps.set(name, value);
        } else if (index?.kind === 'append') {
          if (value !== null) avps.append(name, value);
        } else if (value === null) {
          avps.delete(name, index === undefined ? 0 : index.read(context));
        } else if (index === undefined) {
          avps.push(name, value);
        } else {
          avps.setAt(name, index.read(context), value);
        }
      },
    };
  },
};

const statistic: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const name = argument as TextReader;
    return { get: (context) => context.statistic(name.constant ?? name.read(context)) ?? null };
  },
};

/** "active" or "backup"; null without a cluster, or for another cluster ("tag/cluster"). */
const sharingTag: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const name = argument as TextReader;
    return { get: (context) => context.sharingTag?.(trimmed(name.constant ?? name.read(context))) ?? null };
  },
};

const parameter: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const name = argument as TextReader;
    return { get: (context) => context.params.get(trimmed(name.constant ?? name.read(context))) ?? null };
  },
};

/** "$time(%H:%M)" formats local time like strftime; "$time" alone is the full date and time. */
const time: VariableDefinition = {
  argument: 'optional',
  indexed: false,
  compile: (argument) => ({
    get: (context) => {
      const date = new Date(context.clock.now());
      return argument === undefined ? timeText(date) : formatTime(argument.constant ?? argument.read(context), date);
    },
  }),
};

/** Reading gives a field of an added branch, "uri" by default; assigning a URI to "$branch" adds a branch. */
const branch: VariableDefinition = {
  argument: 'optional',
  indexed: true,
  compile(argument, index) {
    const field = (context: PvarContext) => argument?.constant ?? argument?.read(context) ?? 'uri';
    const get = pick(
      index,
      (context) => context.branches?.count ?? 0,
      (context, i) => context.branches?.get(field(context), i) ?? null,
    );
    if (argument !== undefined) return { get };
    return {
      get,
      set: (context, value) => {
        if (typeof value === 'string' && value !== '') context.branches?.append(value);
      },
    };
  },
};

const returnCode = plain((context) => context.returnCode);

const protocol: VariableDefinition = {
  ...plain((context) => orNull(context.protocol.toUpperCase())),
  ignoreCase: true,
};

/** "$socket_in(ip)", "(port)", "(proto)": the socket the message was received on. */
const socketIn: VariableDefinition = {
  argument: 'optional',
  indexed: false,
  compile(argument) {
    const field = argument?.constant;
    switch (field) {
      case 'ip':
        return { get: (context) => orNull(context.receivedAddress) };
      case 'port':
        return { get: (context) => context.receivedPort };
      case 'proto':
        return { get: (context) => orNull(context.protocol.toUpperCase()) };
      case undefined:
        if (argument === undefined) {
          return {
            get: (context) =>
              `${context.protocol.toLowerCase()}:${bracketed(context.receivedAddress)}:${context.receivedPort}`,
          };
        }
    }
    throw new Error('needs one of the fields ip, port and proto');
  },
};

/** Variables that read the source of the message, values the script stored, time and statistics. */
export const runtimeVariableTable: readonly [string, VariableDefinition][] = [
  ['si', plain((context) => orNull(context.sourceAddress))],
  ['sp', plain((context) => context.sourcePort)],
  ['Ri', plain((context) => orNull(context.receivedAddress))],
  ['Rp', plain((context) => context.receivedPort)],
  ['pr', protocol],
  ['proto', protocol],
  ['socket_in', socketIn],
  [
    'fs',
    plain(
      (context) => orNull(context.sendSocket),
      (context, value) => {
        context.sendSocket = value === null || value === '' ? undefined : String(value);
      },
    ),
  ],
  ['var', scriptVariable],
  ['avp', avp],
  ['stat', statistic],
  ['shtag', sharingTag],
  ['cluster.sh_tag', sharingTag],
  ['param', parameter],
  ['retcode', returnCode],
  ['rc', returnCode],
  ['branch', branch],
  ['T_branch_idx', plain((context) => context.branchIndex)],
  // "In case of no reply or an error the value is 0" (OpenSIPS core variables).
  [
    'T_reply_code',
    plain((context) => context.replyCode ?? (context.message.isRequest ? 0 : (context.message.status ?? 0))),
  ],
  ['time', time],
  ['Ts', plain((context) => Math.floor(context.clock.now() / 1000))],
  ['Tf', plain((context) => timeText(new Date(context.clock.now())))],
  ['pp', plain(() => process.pid)],
];
