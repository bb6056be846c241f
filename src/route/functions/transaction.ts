import type { RouteKind } from '../../cfg/ast.js';
import { trimmed } from '../../core/characters.js';
import type { ArmedKind, RelayFlags, RequestActions } from './actions.js';
import { code, optional, param, type SharedFunction, type SharedFunctions } from './definition.js';
import type { MessageSite } from './site.js';

/** Kinds of Kamailio routes that may relay. */
export const RELAYS: readonly RouteKind[] = ['request', 'failure', 'branch-failure', 'event', 'local'];

/** Parses the flags of t_relay(): bits, or words of OpenSIPS 3. */
export function relayFlags(text: string): RelayFlags {
  const number = /^0x/i.test(text) ? Number.parseInt(text, 16) : Number(text);
  const bits = Number.isNaN(number) ? 0 : number;
  return {
    no100: (bits & 1) !== 0,
    noAutoReply: /no-auto-477/.test(text) || (bits & 2) !== 0,
    passReason: /pass-reason/.test(text) || (bits & 8) !== 0,
  };
}

/** A URI to send to, from "host:port", "udp:host:port" or a URI. */
export function outboundUri(text: string): string | undefined {
  if (/^sips?:/i.test(text)) return text;
  const match = /^(?:(udp|tcp|tls|ws|wss|sctp):)?(\[[^\]]+\]|[^: \t\r\n]+)(?::(\d+))?$/i.exec(trimmed(text));
  if (match === null) return undefined;
  const [, transport, host, port] = match;
  return `sip:${host}${port === undefined ? '' : `:${port}`}${transport === undefined || /^udp$/i.test(transport) ? '' : `;transport=${transport.toLowerCase()}`}`;
}

/** Whether an argument has the form "udp:host:port", which in 2.x is the first argument when a destination is given. */
function namesDestination(text: string): boolean {
  return text.includes(':');
}

const FLAG_WORDS = ['no-auto-477', 'no-dns-failover', 'pass-reason-hdr', 'pass-reason', 'allow-no-cancel'];

/** Whether flags are valid: words separated by commas; up to 2.x also a number. */
function knownFlags(text: string, generation: number): boolean {
  if (generation < 3 && /^(?:0x[0-9a-f]+|\d+)?$/i.test(text)) return true;
  return text.split(',').every((each) => FLAG_WORDS.includes(trimmed(each)));
}

/** Functions of tm about the reply that the route handles. */
export const STATUS_FUNCTIONS = {
  t_check_status: {
    parameters: [param('pattern', 'regex')],
    routes: ['request', 'failure', 'onreply', 'branch', 'branch-failure', 'event', 'local', 'error'],
    summary: 'whether the status of the reply matches',
    run({ replyStatus }: MessageSite, pattern: { test(text: string): boolean } | undefined): number {
      return code(replyStatus !== undefined && pattern?.test(String(replyStatus)) === true);
    },
  },
} as const satisfies SharedFunctions;

/** Functions of tm about the transaction of a request. */
export function transactionFunctions<Site extends MessageSite, Result>(actions: RequestActions<Site, Result>) {
  const arm = (kind: ArmedKind, dialect: 'opensips' | 'kamailio') => ({
    parameters:
      dialect === 'opensips'
        ? [param('route', 'route', { route: kind === 'reply' ? 'onreply' : kind })]
        : [param('route', 'string')],
    routes: (dialect === 'opensips'
      ? ['request', 'failure', 'branch', 'onreply', 'local', 'event']
      : ['request', 'failure', 'branch', 'onreply', 'branch-failure', 'event', 'local']) satisfies RouteKind[],
    summary: `sets the ${kind} route for the next relaying`,
    run: (site: Site, name: string): number => actions.arm(site, kind, name === '' || name === '0' ? undefined : name),
  });
  const cancelled = {
    parameters: [],
    routes: 'any',
    summary: 'whether the caller sent CANCEL',
    run: (site: Site): number => code(actions.cancelled(site)),
  } as const satisfies SharedFunction;
  return {
    both: {
      t_check_trans: {
        parameters: [],
        routes: ['request', 'onreply', 'branch', 'failure', 'local', 'event'],
        summary: 'whether the request belongs to a transaction; a retransmission ends the script',
        run: (site: Site): number => actions.checkTransaction(site),
      },
    },
    opensips: {
      t_relay: {
        parameters: [optional('flags', 'string'), optional('proxy', 'string')],
        routes: ['request', 'failure'],
        summary: 'relays the request statefully',
        waits: true,
        check([flags], { generation }) {
          if (flags === undefined || knownFlags(String(flags), generation)) return undefined;
          if (generation < 3 && namesDestination(String(flags)) && outboundUri(String(flags)) !== undefined)
            return undefined;
          return `unknown flag "${flags}"`;
        },
        // In files of 2.x the destination is the first argument: t_relay("udp:host:port", "0x02").
        run(site: Site, first = '', second?: string): Result {
          const [flags = '', to] = namesDestination(first) ? [second, first] : [first, second];
          return actions.relay(site, relayFlags(flags), to === undefined ? undefined : outboundUri(to));
        },
      },
      t_on_failure: arm('failure', 'opensips'),
      t_on_branch: arm('branch', 'opensips'),
      t_on_reply: arm('reply', 'opensips'),
      t_was_cancelled: cancelled,
    },
    kamailio: {
      t_relay: {
        parameters: [],
        routes: RELAYS,
        summary: 'relays the request statefully',
        waits: true,
        run: (site: Site): Result => actions.relay(site, { no100: false, noAutoReply: false }),
      },
      t_on_failure: arm('failure', 'kamailio'),
      t_on_branch: arm('branch', 'kamailio'),
      t_on_reply: arm('reply', 'kamailio'),
      t_is_canceled: cancelled,
      t_is_cancelled: cancelled,
    },
  } satisfies Readonly<Record<string, SharedFunctions<never, unknown>>>;
}
