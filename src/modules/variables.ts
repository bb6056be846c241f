import type { DialectName } from '../cfg/function-table.js';
import type { PvarContext, PvarValue } from '../pvar/context.js';
import {
  each,
  type IndexReader,
  pick,
  plain,
  type TextReader,
  type VariableDefinition,
} from '../pvar/variables/definition.js';
import { CfgScope } from '../script/call.js';
import type { RequestBranch } from '../script/request-branches.js';
import type { BranchState } from '../script/state.js';
import type { SipSocket } from '../sip/transport/transport.js';
import { accVariables } from './acc/variables.js';
import { qParameter } from './contacts.js';
import { dialogVariables } from './dialog/variables.js';
import { flagBit, flagNames, scriptFlagMask, setScriptFlags } from './flags.js';
import { walkedPart } from './header-walks.js';
import { hashTableVariables } from './htable/variables.js';
import { tableWalkVariables } from './htable/walks.js';
import { sqlVariables } from './sql.js';
import { statisticVariable } from './statistics.js';
import { uacRequestVariable } from './uac-request.js';

const scopeOf = (context: PvarContext): CfgScope => context as CfgScope;

function own(
  get: (scope: CfgScope) => PvarValue,
  set?: (scope: CfgScope, value: PvarValue) => void,
): VariableDefinition {
  const read = (context: PvarContext): PvarValue => get(scopeOf(context));
  return set === undefined ? plain(read) : plain(read, (context, value) => set(scopeOf(context), value));
}

function numberIn(value: PvarValue): number | undefined {
  const number = typeof value === 'number' ? value : Number(value ?? Number.NaN);
  return Number.isNaN(number) ? undefined : number;
}

/** A variable over a list: index and "[*]" as for headers. */
function listed(
  count: (scope: CfgScope) => number,
  at: (scope: CfgScope, index: number) => PvarValue,
  set?: (scope: CfgScope, index: number, value: PvarValue) => void,
): VariableDefinition {
  return {
    argument: 'none',
    indexed: true,
    compile: (_argument: TextReader | undefined, index: IndexReader | undefined) => {
      const size = (context: PvarContext) => count(scopeOf(context));
      const value = (context: PvarContext, i: number) => at(scopeOf(context), i);
      return {
        get: pick(index, size, value),
        all: each(index, size, value),
        ...(set === undefined
          ? {}
          : {
              set: (context: PvarContext, given: PvarValue) =>
                set(scopeOf(context), index?.kind === 'at' ? index.read(context) : 0, given),
            }),
      };
    },
  };
}

function hexMask(mask: number): string {
  return (mask >>> 0).toString(16).toUpperCase().padStart(8, '0');
}

/** Flags as the dialect shows them: a number in Kamailio, names in OpenSIPS. */
function flagVariables(dialect: DialectName): [string, VariableDefinition][] {
  const message = (scope: CfgScope) => scope.call?.flags ?? 0;
  const branch = (scope: CfgScope) => scope.run?.branch?.flags ?? scope.call?.branchFlags ?? 0;
  if (dialect === 'opensips') {
    const flag: VariableDefinition = {
      argument: 'required',
      indexed: false,
      compile: (argument) => {
        const bit = flagBit(argument?.constant ?? '');
        return {
          get: (context) => ((message(scopeOf(context)) & (1 << bit)) === 0 ? 'false' : 'true'),
          set: (context, value) => {
            const { call } = scopeOf(context);
            if (call === undefined) return;
            const on = value === 'true' || (numberIn(value) ?? 0) !== 0;
            call.flags = on ? call.flags | (1 << bit) : call.flags & ~(1 << bit);
          },
        };
      },
    };
    const branchFlag: VariableDefinition = {
      argument: 'required',
      indexed: false,
      compile: (argument) => {
        const bit = 1 << flagBit(argument?.constant ?? '');
        return {
          get: (context) => ((branch(scopeOf(context)) & bit) === 0 ? 'false' : 'true'),
          set: (context, value) => {
            const { call } = scopeOf(context);
            if (call === undefined) return;
            const on = value === 'true' || (numberIn(value) ?? 0) !== 0;
            call.branchFlags = on ? call.branchFlags | bit : call.branchFlags & ~bit;
          },
        };
      },
    };
    return [
      ['mf', own((scope) => flagNames(message(scope)))],
      ['bf', own((scope) => flagNames(branch(scope)))],
      ['branch.flag', branchFlag],
      ['msg.branch.flag', branchFlag],
      ['msg.flag', flag],
    ];
  }
  const set = (write: (scope: CfgScope, mask: number) => void) => (scope: CfgScope, value: PvarValue) => {
    // As recorded, text is passed over.
    if (typeof value === 'number') write(scope, value | 0);
  };
  const setMessage = set((s, mask) => void (s.call !== undefined && (s.call.flags = mask)));
  const setBranch = set((s, mask) => void (s.call !== undefined && (s.call.branchFlags = mask)));
  const setScript = set((s, mask) => setScriptFlags(s.env, mask));
  return [
    ['mf', own((s) => message(s) >>> 0, setMessage)],
    ['mF', own((s) => hexMask(message(s)), setMessage)],
    ['bf', own((s) => branch(s) >>> 0, setBranch)],
    ['bF', own((s) => hexMask(branch(s)), setBranch)],
    ['sf', own((s) => scriptFlagMask(s.env) >>> 0, setScript)],
    ['sF', own((s) => hexMask(scriptFlagMask(s.env)), setScript)],
  ];
}

function branchesOf(scope: CfgScope): RequestBranch[] {
  return scope.call?.branches ?? [];
}

function branchField(branch: RequestBranch | undefined, field: string, scope: CfgScope): PvarValue {
  if (branch === undefined) return null;
  switch (field) {
    case 'uri':
      return branch.uri;
    case 'dst_uri':
    case 'duri':
      return branch.destinationUri ?? null;
    case 'q':
      return scope.env.dialect === 'opensips' ? branch.q : branch.q === '' ? -1 : Math.round(Number(branch.q) * 1000);
    case 'path':
      return branch.path === '' ? null : branch.path;
    case 'flags':
      return branch.flags;
    case 'send_socket':
    case 'socket':
      return branch.socket ?? null;
    default:
      return null;
  }
}

function setBranchField(branch: RequestBranch, field: string, value: PvarValue): void {
  const text = value === null ? undefined : String(value);
  switch (field) {
    case 'uri':
      branch.uri = text ?? '';
      break;
    case 'dst_uri':
    case 'duri':
      branch.destinationUri = text;
      break;
    case 'q':
      branch.q = text ?? '';
      break;
    case 'path':
      branch.path = text ?? '';
      break;
    case 'flags':
      branch.flags = numberIn(value) ?? 0;
      break;
    case 'send_socket':
    case 'socket':
      branch.socket = text;
      break;
  }
}

function addBranch(scope: CfgScope, uri: string): void {
  const { call } = scope;
  if (call === undefined || call.branches.length >= 11) return;
  call.branches.push({
    uri,
    destinationUri: undefined,
    q: '',
    path: '',
    flags: 0,
    socket: undefined,
  });
}

/** $branch(field)[index]; assigning without a field adds a branch. */
const branch: VariableDefinition = {
  argument: 'optional',
  indexed: true,
  compile: (argument, index) => {
    if (argument === undefined) {
      return {
        get: () => null,
        set: (context, value) => {
          if (value !== null) addBranch(scopeOf(context), String(value));
        },
      };
    }
    const field = (context: PvarContext): string => argument.constant ?? argument.read(context);
    const count = (context: PvarContext) => branchesOf(scopeOf(context)).length;
    const at = (context: PvarContext, i: number) =>
      branchField(branchesOf(scopeOf(context))[i], field(context), scopeOf(context));
    const get = pick(index, count, at);
    return {
      get: (context) => (field(context) === 'count' ? count(context) || null : get(context)),
      all: each(index, count, at),
      set: (context, value) => {
        const all = branchesOf(scopeOf(context));
        const i = index?.kind === 'at' ? index.read(context) : 0;
        const found = all[i < 0 ? all.length + i : i];
        if (found === undefined) return;
        if (value === null && field(context) === 'uri') all.splice(all.indexOf(found), 1);
        else setBranchField(found, field(context), value);
      },
    };
  },
};

/** OpenSIPS' $msg.branch.<field>: the request-URI is branch 0. */
function messageBranch(field: string): [string, VariableDefinition] {
  const own0 = (scope: CfgScope): PvarValue => {
    switch (field) {
      case 'uri':
        return scope.requestUri ?? null;
      case 'duri':
        return scope.destinationUri ?? null;
      case 'q':
        return scope.call?.q ?? '';
      case 'socket':
        return scope.call?.sendSocket?.description ?? null;
      default:
        return null;
    }
  };
  return [
    `msg.branch.${field}`,
    listed(
      (scope) => branchesOf(scope).length + 1,
      (scope, i) => (i === 0 ? own0(scope) : branchField(branchesOf(scope)[i - 1], field, scope)),
      (scope, i, value) => {
        const found = i === 0 ? undefined : branchesOf(scope)[i - 1];
        if (found !== undefined) setBranchField(found, field, value);
        else if (i === 0 && field === 'uri' && value !== null) scope.setRequestUri(String(value));
        else if (i === 0 && field === 'duri') scope.destinationUri = value === null ? undefined : String(value);
      },
    ),
  ];
}

function txBranches(scope: CfgScope): readonly BranchState[] {
  return scope.run?.transaction?.branches ?? scope.call?.transaction?.branches ?? [];
}

function timeoutVariable(which: 'frTimeout' | 'frInvTimeout'): VariableDefinition {
  return own(
    (scope) => Math.round((scope.call?.[which] ?? scope.env.tm[which]) / 1000),
    (scope, value) => {
      const seconds = numberIn(value);
      if (scope.call !== undefined) scope.call[which] = seconds === undefined ? undefined : seconds * 1000;
    },
  );
}

function sendSocketText(scope: CfgScope): PvarValue {
  return scope.call?.sendSocket?.description ?? null;
}

function setSendSocket(scope: CfgScope, value: PvarValue): void {
  const { call } = scope;
  if (call === undefined) return;
  call.sendSocket = value === null ? undefined : (scope.env.socket(String(value)) ?? call.sendSocket);
}

/** $socket_in(field), $socket_out(field). */
function socketVariable(
  socket: (scope: CfgScope) => SipSocket | undefined,
  set?: (scope: CfgScope, value: PvarValue) => void,
): VariableDefinition {
  return {
    argument: 'optional',
    indexed: false,
    compile: (argument) => {
      const field = argument?.constant;
      return {
        get: (context) => {
          const scope = scopeOf(context);
          const found = socket(scope);
          return socketField(found, field, field === 'tag' ? scope.env.sockets.nameOf(found) : undefined);
        },
        ...(set === undefined || argument !== undefined
          ? {}
          : { set: (context: PvarContext, value: PvarValue) => set(scopeOf(context), value) }),
      };
    },
  };
}

function socketField(socket: SipSocket | undefined, field: string | undefined, tag: string | undefined): PvarValue {
  if (socket === undefined) return null;
  const shown = socket.sentBy === `${socket.address}:${socket.port}` ? undefined : socket.sentBy;
  const colon = shown?.lastIndexOf(':') ?? -1;
  switch (field) {
    case undefined:
      return `${socket.transport}:${socket.address}:${socket.port}`;
    case 'ip':
      return socket.address;
    case 'port':
      return socket.port;
    case 'proto':
      return socket.transport;
    case 'af':
      return socket.family === 4 ? 'INET' : 'INET6';
    case 'advertised_ip':
      return shown === undefined ? null : shown.slice(0, colon);
    case 'advertised_port':
      return shown === undefined ? null : Number(shown.slice(colon + 1));
    case 'tag':
      return tag ?? null;
    default:
      return null;
  }
}

/** The parameters of the URI without the leading ";", as $rr_params shows them. */
function routeParams(scope: CfgScope): PvarValue {
  const params = scope.call?.matchedRouteParams;
  return params === undefined || params === '' ? null : params.replace(/^;/, '');
}

/** $T_rpl($x): a variable read from the reply that was chosen. $T_req($x): from the request of the transaction. */
function otherMessage(which: 'reply' | 'request'): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => ({
      get: (context) => {
        const scope = scopeOf(context);
        if (argument === undefined) return null;
        if (which === 'request') {
          return scope.run?.routeKind === 'onreply' && scope.call !== undefined
            ? argument.read(scope.call.scope)
            : null;
        }
        const branch = scope.run?.branch;
        if (branch?.reply === undefined || scope.run?.routeKind !== 'failure') return null;
        const target = branch.client?.target;
        const reply = new CfgScope(scope.env, branch.reply, undefined, scope.avps);
        reply.sourceAddress = target?.address ?? '';
        reply.sourcePort = target?.port ?? 0;
        return argument.read(reply);
      },
    }),
  };
}

function sharedVariables(dialect: DialectName): [string, VariableDefinition][] {
  return [
    ['T_reply_code', own((scope) => scope.txCode ?? scope.replyCode ?? scope.call?.transaction?.lastStatus ?? 0)],
    ['T_reply_reason', own((scope) => scope.txReason ?? scope.replyReason ?? (dialect === 'kamailio' ? '' : null))],
    [
      'T_branch_idx',
      own((scope) => {
        const kind = scope.run?.routeKind;
        if (dialect === 'opensips' && kind === 'request') return null;
        if (dialect === 'kamailio' && kind === 'request') return scope.run?.transaction === undefined ? 0 : -1;
        return scope.branchIndex;
      }),
    ],
    [
      'ru_q',
      dialect === 'kamailio'
        ? own((scope) => Number(scope.call?.q ?? -1))
        : own(
            (scope) => {
              const q = scope.call?.q;
              return q === undefined || q === ''
                ? -1
                : Number(q) <= 1 && q.includes('.')
                  ? Math.round(Number(q) * 1000)
                  : Number(q);
            },
            (scope, value) => {
              if (scope.call !== undefined) scope.call.q = value === null ? undefined : String(value);
            },
          ),
    ],
    ['branch', branch],
    [
      'br',
      own(
        (scope) => branchesOf(scope)[0]?.uri ?? null,
        (scope, value) => {
          if (value !== null) addBranch(scope, String(value));
        },
      ),
    ],
  ];
}

/** The request-URI and the branches as a Contact would list them. */
function destinationSet(scope: CfgScope): PvarValue {
  const main = scope.requestUri === undefined ? [] : [`<${scope.requestUri}>${qParameter(scope.call?.q)}`];
  return [...main, ...branchesOf(scope).map((each) => `<${each.uri}>${qParameter(each.q)}`)].join(', ');
}

function opensipsVariables(): [string, VariableDefinition][] {
  return [
    ['ds', own(destinationSet)],
    [
      'T_ruri',
      own((scope) =>
        scope.run?.routeKind === 'request' && scope.call?.transaction !== undefined ? null : (scope.requestUri ?? null),
      ),
    ],
    ['T_fr_timeout', timeoutVariable('frTimeout')],
    ['T_fr_inv_timeout', timeoutVariable('frInvTimeout')],
    ['T_branch_last_reply_code', own((scope) => scope.run?.branch?.status ?? null)],
    [
      'tm.branch.uri',
      listed(
        (scope) => 0 * txBranches(scope).length,
        () => null,
      ),
    ],
    ['tm.branch.idx', own((scope) => scope.branchIndex)],
    messageBranch('uri'),
    messageBranch('duri'),
    messageBranch('q'),
    messageBranch('path'),
    messageBranch('flags'),
    messageBranch('socket'),
    ['msg.branch.last_idx', own((scope) => branchesOf(scope).length)],
    ['rr_params', own(routeParams)],
    ['socket_in', socketVariable((scope) => scope.source?.socket)],
    ['socket_out', socketVariable((scope) => scope.call?.sendSocket ?? scope.source?.socket, setSendSocket)],
    [
      'log_level',
      own(
        (scope) => scope.env.logLimits.log,
        (scope, value) => {
          const limits = scope.env.logLimits;
          limits.log = value === null ? limits.firstLog : (numberIn(value) ?? limits.log);
        },
      ),
    ],
    [
      'xlog_level',
      own(
        (scope) => scope.env.logLimits.xlog,
        (scope, value) => {
          const limits = scope.env.logLimits;
          limits.xlog = value === null ? limits.firstXlog : (numberIn(value) ?? limits.xlog);
        },
      ),
    ],
    ['err.class', own((scope) => scope.fault?.class ?? null)],
    ['err.level', own((scope) => scope.fault?.level ?? null)],
    ['err.info', own((scope) => scope.fault?.reason ?? null)],
    ['err.rcode', own((scope) => scope.fault?.code ?? null)],
    ['err.rreason', own((scope) => scope.fault?.reason ?? null)],
  ];
}

/** Numbers of transports, as Kamailio counts them. */
const TRANSPORT_NUMBERS: Readonly<Record<string, number>> = { udp: 1, tcp: 2, tls: 3, sctp: 4, ws: 5, wss: 6 };

/** $sndto(ip) and the like: where the message of an onsend route goes, or by which socket. */
function sending(end: 'to' | 'from'): VariableDefinition {
  return {
    argument: 'required',
    indexed: false,
    compile: (argument) => {
      const field = argument?.constant?.trim() ?? '';
      if (!['af', 'ip', 'port', 'proto', 'sproto', 'buf', 'len'].includes(field))
        throw new Error(`has no field "${field}"`);
      return {
        get: (context) => {
          const to = scopeOf(context).run?.sendingTo;
          if (to === undefined) return null;
          const { address, port } = end === 'to' ? to : to.socket;
          switch (field) {
            case 'af':
              return address.includes(':') ? 'IPv6' : 'IPv4';
            case 'ip':
              return address;
            case 'port':
              return port;
            case 'proto':
              return TRANSPORT_NUMBERS[to.transport] ?? 0;
            case 'sproto':
              return to.transport;
            default:
              return null;
          }
        },
      };
    },
  };
}

/** "proto:host:port" of the socket a Kamailio file sends from. */
/** $_s(text): the text with its variables. */
const FORMATTED: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => ({ get: (context) => argument?.constant ?? argument?.read(context) ?? null }),
};

const NULL_WITH_NAME: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: () => ({ get: () => null }),
};

function kamailioVariables(): [string, VariableDefinition][] {
  return [
    ['conid', own(() => null)],
    // Of HTTP requests, of answers to RPC and of expired entries: their routes are not run, so they are null.
    ['hu', own(() => null)],
    ['jsonrpl', NULL_WITH_NAME],
    ['shtrecord', NULL_WITH_NAME],
    ['_s', FORMATTED],
    ['T_rpl', otherMessage('reply')],
    ['T_req', otherMessage('request')],
    ['route_uri', own((scope) => scope.routeUri ?? '')],
    ['fs', own(sendSocketText, setSendSocket)],
    [
      'fsn',
      own(
        (scope) => scope.env.sockets.nameOf(scope.call?.sendSocket) ?? null,
        (scope, value) => {
          const socket = value === null ? undefined : scope.env.sockets.called(String(value));
          if (scope.call !== undefined) scope.call.sendSocket = socket ?? scope.call.sendSocket;
        },
      ),
    ],
    ['uac_req', uacRequestVariable],
    ...tableWalkVariables,
    ['snd', sending('to')],
    ['sndto', sending('to')],
    ['sndfrom', sending('from')],
    ...(
      [
        ['hfitname', 'hf', 'name'],
        ['hfitbody', 'hf', 'body'],
        ['blitval', 'bl', 'body'],
      ] as const
    ).map(([name, kind, part]): [string, VariableDefinition] => [
      name,
      {
        argument: 'required',
        indexed: false,
        compile: (argument) => ({
          get: (context) =>
            walkedPart(scopeOf(context).run, kind, argument?.constant ?? argument?.read(context) ?? '')?.[part] ?? null,
        }),
      },
    ]),
    ['Rn', own((scope) => scope.env.sockets.nameOf(scope.source?.socket) ?? null)],
    ['Ru', own((scope) => `sip:${scope.receivedAddress}:${scope.receivedPort}`)],
    ['Rut', own((scope) => `sip:${scope.receivedAddress}:${scope.receivedPort};transport=${scope.protocol}`)],
    ['RAi', own((scope) => shownHost(scope))],
    ['RAp', own((scope) => shownPort(scope))],
    ['dsv', { argument: 'required', indexed: false, compile: () => ({ get: () => null }) }],
    [
      'dsg',
      {
        argument: 'required',
        indexed: false,
        compile: (argument) => ({
          get: (context) => scopeOf(context).groupField?.(argument?.constant ?? argument?.read(context) ?? '') ?? null,
        }),
      },
    ],
  ];
}

function shownHost(scope: CfgScope): PvarValue {
  const sentBy = scope.source?.socket.sentBy;
  return sentBy === undefined ? null : sentBy.slice(0, sentBy.lastIndexOf(':'));
}

function shownPort(scope: CfgScope): PvarValue {
  const sentBy = scope.source?.socket.sentBy;
  return sentBy === undefined ? null : Number(sentBy.slice(sentBy.lastIndexOf(':') + 1));
}

/** Variables of the transaction and of modules. */
export function scriptVariables(dialect: DialectName): ReadonlyMap<string, VariableDefinition> {
  return new Map([
    ...sharedVariables(dialect),
    ...flagVariables(dialect),
    ...(dialect === 'opensips'
      ? [...opensipsVariables(), ...accVariables]
      : [...kamailioVariables(), ...hashTableVariables, ...sqlVariables]),
    ...dialogVariables(dialect),
    ['stat', statisticVariable],
  ]);
}
