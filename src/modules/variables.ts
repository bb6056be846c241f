import type { Dialect } from '../cfg/dialect.js';
import type { DialectName } from '../cfg/function-table.js';
import { bracketed } from '../core/uri.js';
import type { PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import { CfgScope } from '../script/call.js';
import { hostPort, type SipSocket } from '../sip/transport/transport.js';
import { accVariables } from './acc/variables.js';
import { asyncVariables } from './async.js';
import { addUri, branch, branchesOf, branchList, destinationSet, messageBranch } from './branch-variables.js';
import { connectionVariables } from './connections.js';
import { dialogVariables } from './dialog/variables.js';
import { queryVariable } from './dns-queries.js';
import { flagVariables } from './flag-variables.js';
import { walkedPart } from './header-walks.js';
import { shtrecord } from './htable/expiry.js';
import { hashTableVariables } from './htable/variables.js';
import { tableWalkVariables } from './htable/walks.js';
import { httpClientVariables } from './http-client/functions.js';
import { jsonrpcAnswer } from './jsonrpcs.js';
import { laterVariables } from './kamailio-later-variables.js';
import { messageVariables } from './kamailio-message-variables.js';
import { timeVariables } from './kamailio-time-variables.js';
import { mediaRelayVariables } from './media-relay/variables.js';
import { mqueueVariables } from './mqueue.js';
import { byWord } from './named-fields.js';
import { rateVariables } from './rate-limit.js';
import { registrarVariables } from './registrar/functions.js';
import { rtpAnswer, rtpStatistics, statisticsText } from './rtpengine/answers.js';
import { numberIn, own, scopeOf } from './script-variable.js';
import { sending, sendSocketText, setSendSocket, shownHost, shownPort, socketVariable } from './socket-variables.js';
import { sqlVariables } from './sql.js';
import { sqlCachedValue } from './sql-cacher.js';
import { staticBranchVariable } from './static-branch.js';
import { statisticVariable } from './statistics.js';
import { identityVariable } from './stir-shaken/functions.js';
import { tlsVariables } from './tls.js';
import { transactionBranchVariables } from './tm-branch-variables.js';
import { transactionVariables } from './transaction-variables.js';
import { uacRequestVariable } from './uac-request.js';
import { uuidVariables } from './uuid.js';
import { httpUrl } from './xhttp.js';

function timeoutVariable(which: 'frTimeout' | 'frInvTimeout'): VariableDefinition {
  return own(
    (scope) => Math.round((scope.call?.[which] ?? scope.env.tm[which]) / 1000),
    (scope, value) => {
      const seconds = numberIn(value);
      if (scope.call !== undefined) scope.call[which] = seconds === undefined ? undefined : seconds * 1000;
    },
  );
}

/** Parameters of the Route URI without the leading ";": $rr_params. */
function routeParams(scope: CfgScope): PvarValue {
  const params = scope.call?.matchedRouteParams;
  return params === undefined || params === '' ? null : params.replace(/^;/, '');
}

/**
 * $T_rpl($x): a variable of the chosen reply. $T_req($x): a variable of the transaction's request, which, as observed,
 * has neither the written request-URI nor $du.
 */
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
            ? argument.read(scope.call.scope.asReceived())
            : null;
        }
        const branch = scope.run?.branch;
        const kind = scope.run?.routeKind;
        if (branch?.reply === undefined || (kind !== 'failure' && kind !== 'branch-failure')) return null;
        const target = branch.client?.target;
        const reply = new CfgScope(scope.env, branch.reply, undefined, scope.avps);
        reply.sourceAddress = target?.address ?? '';
        reply.sourcePort = target?.port ?? 0;
        // $T_rpl($T_reply_code), $T_rpl($T_reply_reason)
        reply.replyCode = branch.reply.status;
        reply.replyReason = branch.reply.reason;
        return argument.read(reply);
      },
    }),
  };
}

/** $source_uri of nat_traversal: where the message came from. */
function sourceUri({ sourceAddress, sourcePort, protocol }: CfgScope): string {
  return `sip:${hostPort(sourceAddress, sourcePort)}${protocol === 'udp' ? '' : `;transport=${protocol}`}`;
}

/** $Ru: the receiving socket as a URI; null for a reply that was made here. */
function receivingUri({ receivedAddress, receivedPort }: CfgScope): string | null {
  return receivedAddress === '' ? null : `sip:${receivedAddress}:${receivedPort}`;
}

/** The socket that received the message, or the one that set_recv_socket() has named. */
function receivingSocket({ env, source, protocol, receivedAddress, receivedPort }: CfgScope): SipSocket | undefined {
  const socket = source?.socket;
  if (socket === undefined || (socket.address === receivedAddress && socket.port === receivedPort)) return socket;
  return env.socket(`${protocol}:${bracketed(receivedAddress)}:${receivedPort}`);
}

/** A value of the probe that the event route of dispatcher runs for; null in other routes. */
function probed(name: string): (scope: CfgScope) => PvarValue {
  return (scope) => scope.params.get(name) ?? null;
}

function sharedVariables(dialect: DialectName): [string, VariableDefinition][] {
  return [
    [
      'T_reply_code',
      own((scope) => {
        const sent = scope.call?.transaction?.lastStatus ?? 0;
        // As recorded, in Kamailio the variable is the last status sent, also in the branch route of a failover.
        if (dialect === 'kamailio' && scope.run?.routeKind === 'branch') return sent;
        return scope.txCode ?? scope.replyCode ?? sent;
      }),
    ],
    [
      'T_reply_reason',
      own((scope) => {
        if (dialect === 'kamailio' && scope.run?.routeKind === 'branch') return '';
        return scope.txReason ?? scope.replyReason ?? (dialect === 'kamailio' ? '' : null);
      }),
    ],
    [
      'T_branch_idx',
      own((scope) => {
        const kind = scope.run?.routeKind;
        if (dialect === 'opensips' && kind === 'request') return null;
        if (dialect === 'kamailio' && kind === 'request') {
          return (scope.run?.transaction?.branches.length ?? 0) === 0 ? 0 : -1;
        }
        // As recorded, the route of all replies knows no branch.
        if (dialect === 'kamailio' && kind === 'onreply' && scope.run?.branch === undefined) return -1;
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
    ['bR', own(branchList)],
    [
      'br',
      own(
        (scope) => branchesOf(scope)[0]?.uri ?? null,
        (scope, value) => {
          if (typeof value === 'string' && value !== '') addUri(scope, value);
        },
      ),
    ],
  ];
}

function opensipsVariables(): [string, VariableDefinition][] {
  return [
    ['ds', own((scope) => destinationSet(scope))],
    ['identity', identityVariable],
    ['rtpstat', rtpStatistics],
    ...mediaRelayVariables,
    ['rtpquery', rtpAnswer],
    [
      'T_ruri',
      own((scope) => {
        const { run } = scope;
        if (run?.routeKind === 'request' && scope.call?.transaction !== undefined) return null;
        // A reply has no request-URI: that of its branch.
        return (run?.routeKind === 'onreply' ? run.branch?.requestUri : scope.requestUri) ?? null;
      }),
    ],
    ['T_fr_timeout', timeoutVariable('frTimeout')],
    ['T_fr_inv_timeout', timeoutVariable('frInvTimeout')],
    ['T_branch_last_reply_code', own((scope) => scope.run?.branch?.status ?? null)],
    ...transactionBranchVariables,
    ['tm.branch.idx', own((scope) => scope.branchIndex)],
    messageBranch('uri'),
    messageBranch('duri'),
    messageBranch('q'),
    messageBranch('path'),
    messageBranch('flags'),
    messageBranch('socket'),
    ['msg.branch.last_idx', own((scope) => branchesOf(scope).length)],
    ['rr_params', own(routeParams)],
    ['BM_time_diff', own(() => 0)],
    ['source_uri', own(sourceUri)],
    ['sql_cached_value', sqlCachedValue],
    ['keepalive.socket', { argument: 'required', indexed: false, compile: () => ({ get: () => null }) }],
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

/** $_s(text): the text with its variables replaced. */
const FORMATTED: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile: (argument) => ({ get: (context) => argument?.constant ?? argument?.read(context) ?? null }),
};

function kamailioVariables(): (readonly [string, VariableDefinition])[] {
  return [
    ...messageVariables,
    ...transactionVariables,
    ['sbranch', staticBranchVariable],
    ['dns', queryVariable('dns')],
    ['srvquery', queryVariable('srvquery')],
    ['naptrquery', queryVariable('naptrquery')],
    ...timeVariables,
    ...connectionVariables,
    ['hu', own((scope) => httpUrl(scope.call) ?? null)],
    ['jsonrpl', jsonrpcAnswer],
    ...laterVariables,
    ['shtrecord', shtrecord],
    ['rtpstat', statisticsText],
    ['rtpestat', statisticsText],
    ...mqueueVariables,
    ...asyncVariables,
    ['_s', FORMATTED],
    ['T_rpl', otherMessage('reply')],
    ['T_req', otherMessage('request')],
    SEND_SOCKET,
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
    ['Rn', own((scope) => scope.env.sockets.nameOf(receivingSocket(scope)) ?? null)],
    ['Ru', own(receivingUri)],
    [
      'Rut',
      own((scope) => {
        const uri = receivingUri(scope);
        return uri === null ? null : `${uri};transport=${scope.protocol}`;
      }),
    ],
    // Not null for a reply that was made here, but an empty text.
    ['si', own((scope) => scope.sourceAddress)],
    ['Rp', own((scope) => (scope.receivedAddress === '' ? null : scope.receivedPort))],
    ['RAi', own((scope) => shownHost(scope))],
    ['RAp', own((scope) => shownPort(scope))],
    ['dsv', byWord({ code: probed('code'), reason: probed('reason'), flags: probed('flags') })],
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

/** The same variable as read-only. */
function readOnly(variable: VariableDefinition): VariableDefinition {
  return { ...variable, compile: (argument, index) => ({ get: variable.compile(argument, index).get }) };
}

/** The sending socket as "proto:host:port". OpenSIPS 4 has only $socket_out. */
const SEND_SOCKET: [string, VariableDefinition] = ['fs', own(sendSocketText, setSendSocket)];

/** Variables of the transaction and of modules, in one generation of a dialect. */
export function scriptVariables({
  name: dialect,
  generation,
}: Pick<Dialect, 'name' | 'generation'>): ReadonlyMap<string, VariableDefinition> {
  return new Map([
    ...sharedVariables(dialect),
    ...flagVariables(dialect),
    ...tlsVariables(dialect),
    ...(dialect === 'opensips'
      ? [
          ...opensipsVariables(),
          ...(generation > 3 ? [] : [SEND_SOCKET]),
          ...accVariables,
          ...mqueueVariables,
          ...rateVariables,
        ]
      : [
          ...kamailioVariables(),
          ...hashTableVariables,
          ...sqlVariables,
          ...registrarVariables,
          ...httpClientVariables,
          ...uuidVariables,
        ]),
    ...dialogVariables(dialect),
    ['stat', dialect === 'kamailio' ? readOnly(statisticVariable) : statisticVariable],
  ]);
}
