import { trimmedIfThere } from '../../core/characters.js';
import { maskUri } from '../../core/mask.js';
import { parseUri } from '../../core/uri.js';
import type { CompiledSet } from '../../engine/compiled-set.js';
import type { Destination } from '../../engine/destination.js';
import type { Engine } from '../../engine/engine.js';
import { flavourKind } from '../../engine/flavours.js';
import { dispatcherHash } from '../../engine/hash.js';
import { uriHash } from '../../engine/hash-keys.js';
import type { Partition } from '../../engine/partition.js';
import type { SelectTarget } from '../../engine/selection.js';
import { weightOf } from '../../engine/weight.js';
import { textOf } from '../../pvar/context.js';
import type { LocalSockets } from '../../sip/local-sockets.js';
import type { SipMessage } from '../../sip/message.js';
import type { Source } from '../../sip/transport/transport.js';
import type { RequestScope } from '../request-scope.js';
import type { DialogGate } from './dialog-gate.js';
import { type ExplainedDialog, explainDialog } from './explain-dialog.js';
import type { CompiledRule, ReadySelection } from './rule.js';
import type { BlacklistCheck } from './rule-plan.js';
import { withoutTrace } from './without-trace.js';

/** Maximum number of candidates of one set, and of destinations in the order of failover, in an explanation. */
const MAX_CANDIDATES = 200;
const MAX_ORDER = 100;

/** One entry of a rule's match, and the request's value for it. */
export type ExplainedEntry = {
  readonly variable: string;
  readonly pattern: string;
  readonly value: string;
  readonly matches: boolean;
};

/** Whether a rule was checked, and whether it matched. */
export type ExplainedRule = {
  readonly rule: string;
  /** `not reached`: an earlier rule matched. */
  readonly verdict: 'taken' | 'does not match' | 'not reached';
  readonly entries: readonly ExplainedEntry[];
};

/** A destination of a set that was asked for a selection. */
export type ExplainedCandidate = {
  readonly destination: string;
  readonly state: string;
  readonly since?: string;
  readonly why?: string;
  readonly weight: number;
  readonly priority: number;
  readonly attrs?: string;
  readonly blacklisted?: true;
  /** Whether it is a socket of this proxy: the request would come back. */
  readonly ourselves?: true;
};

/** A set that was asked for a selection. */
export type ExplainedSet = {
  readonly set: number;
  readonly algorithm: string;
  /** What decided: the hash and its key, or the position. */
  readonly decided_by?: string;
  readonly active: number;
  readonly candidates: readonly ExplainedCandidate[];
  readonly more_candidates?: number;
};

/** Where the rules send a request, and why. */
export type Explanation = {
  /** The decision about its Route, for a request with a To tag. */
  readonly dialog?: ExplainedDialog;
  readonly rules: readonly ExplainedRule[];
  /** The rule that matched; absent when none did. */
  readonly rule?: string;
  readonly relay?: string;
  readonly partition?: string;
  readonly sets?: readonly ExplainedSet[];
  /** Destinations in the order they are tried. */
  readonly order?: readonly string[];
  readonly fails_over_on?: string;
  /** The reply to the caller when there is no destination, or the rule replies. */
  readonly answer?: string;
  /** Why no destination is selected. */
  readonly failure?: string;
};

/** Input of `explain`. */
export interface ExplainOptions {
  readonly engine: Engine;
  readonly rules: readonly CompiledRule[];
  readonly blocked: BlacklistCheck;
  readonly sockets: LocalSockets;
  readonly dialogs: Pick<DialogGate, 'explain'>;
  /** Whether a user may see a partition; absent: all of them. */
  readonly sees?: ((partition: string) => boolean) | undefined;
}

/** Special states of a destination to show. */
interface Marks {
  readonly isBlocked: (destination: Destination) => boolean;
  readonly isOurs: (destination: Destination) => boolean;
}

/**
 * Says where a request is sent, by its Route or the rules, and why. State that selections change is restored
 * afterwards.
 */
export function explain(scope: RequestScope, source: Source | undefined, options: ExplainOptions): Explanation {
  const { message } = scope;
  const before = beforeRules(message);
  if (before !== undefined) return { rules: [], ...before };
  if (message.toTag === '') return explainByRules(scope, options);
  if (source === undefined) return { rules: [], failure: 'it is inside a dialog, and no socket is configured' };
  const dialog = explainDialog(message, source, options.dialogs, options.sockets, options.sees);
  if (dialog.next !== undefined) return { dialog, rules: [], relay: 'stateful', order: [dialog.next] };
  const isAck = message.method === 'ACK';
  if (dialog.verdict === 'nowhere') {
    const failure = 'it is inside a dialog, and has no Route of this proxy';
    return { dialog, rules: [], failure, ...(isAck ? {} : { answer: '404 Not here' }) };
  }
  const found = explainByRules(scope, options);
  if (!isAck || found.relay === 'stateless') return { dialog, ...found };
  return { dialog, rules: found.rules, failure: 'an ACK without a known dialog is forwarded by a stateless rule only' };
}

function explainByRules(scope: RequestScope, options: ExplainOptions): Explanation {
  let taken: CompiledRule | undefined;
  const isShown = (rule: CompiledRule): boolean => {
    if (options.sees === undefined) return true;
    const selection = rule.rule.select === undefined ? undefined : rule.selection(scope);
    return typeof selection === 'object' && options.sees(selection.partition.name);
  };
  const explained = options.rules.map((each): ExplainedRule => {
    const { pointer } = each.rule;
    if (taken !== undefined) return { rule: pointer, verdict: 'not reached', entries: [] };
    const entries = each.entries.map(({ variable, pattern, matches, value }) => ({
      variable,
      pattern,
      value: textOf(value.evaluateValue(scope.pvars)).slice(0, 200),
      matches: matches(scope.pvars),
    }));
    if (each.matches(scope)) taken = each;
    return { rule: pointer, verdict: taken === undefined ? 'does not match' : 'taken', entries };
  });
  const rules = explained.filter((_, i) => isShown(options.rules[i] as CompiledRule));
  if (taken === undefined) return { rules, answer: '404 Not Found', failure: 'no rule matched' };
  if (!isShown(taken)) return { rules, failure: 'no rule that you may see matches' };
  const { rule } = taken;
  const { code, reason } = rule.reject;
  const base = { rules, rule: rule.pointer, relay: rule.relay };
  if (rule.relay === 'reply') return { ...base, answer: `${code} ${reason}` };
  if (rule.select === undefined) return { ...base, order: [scope.requestUri] };
  const { failover } = rule;
  const failsOver = [...failover.codes, ...(failover.max === undefined ? [] : [`at most ${failover.max} tries`])];
  const lists = rule.useBlacklist;
  const isBlocked = (each: Destination) =>
    lists.length > 0 && each.resolved.length > 0 && each.resolved.every((address) => options.blocked(lists, address));
  const isOurs = ({ dialUri }: Destination) => {
    const uri = parseUri(dialUri);
    return uri !== undefined && options.sockets.isOurs(uri);
  };
  const sets: ExplainedSet[] = [];
  let order: readonly string[] = [];
  let partition: string | undefined;
  let failure: string | undefined;
  for (const select of [taken.selection, ...taken.fallbacks]) {
    const selection = select(scope);
    if (typeof selection === 'string') {
      failure = selection;
      continue;
    }
    const found = rehearse(taken, selection, scope, options.engine, { isBlocked, isOurs });
    sets.push(...found.sets);
    ({ order, failure } = found);
    partition = selection.partition.name;
    if (failure === undefined) break;
  }
  if (partition === undefined) return { ...base, answer: `${code} ${reason}`, failure: failure ?? 'nothing selected' };
  return {
    ...base,
    partition,
    sets,
    order,
    fails_over_on: failsOver.length === 0 ? 'nothing' : failsOver.join(', '),
    ...(failure === undefined ? {} : { failure, answer: `${code} ${reason}` }),
  };
}

/** The decision about a request before any rule is checked (RFC 3261 section 16.3). */
function beforeRules(message: SipMessage): { readonly answer?: string; readonly failure: string } | undefined {
  if (message.maxForwards === 0) return { answer: '483 Too Many Hops', failure: 'Max-Forwards is 0' };
  if (message.parsedUri === undefined) return { answer: '400 Bad Request', failure: 'the request-URI cannot be read' };
  if (message.hasProxyRequire)
    return { answer: '420 Bad Extension', failure: 'Proxy-Require names what is not supported' };
  return undefined;
}

/** Selects like the router, and restores the state that the selection changed. */
function rehearse(
  rule: CompiledRule,
  selection: ReadySelection,
  scope: RequestScope,
  engine: Engine,
  marks: Marks,
): { sets: ExplainedSet[]; order: string[]; failure: string | undefined } {
  const { partition, routes } = selection;
  const targets = routes?.targets ?? selection.targets;
  const found = targets.map((each) => partition.snapshot.sets.get(each.setId) as CompiledSet | undefined);
  const sets = targets.map((target, i) => explainedSet(partition, target, found[i], scope, marks));
  return withoutTrace(selection, () => {
    const context = engine.context();
    const isDomain = rule.rule.select?.fn === 'domain';
    const verdict =
      routes === undefined
        ? context.select(partition, selection.targets, scope)
        : context.selectRoutes(partition, routes, scope, isDomain ? 'request-uri' : undefined);
    context.of(partition)?.call?.end();
    if (verdict !== 'selected') return { sets, order: [], failure: context.failure ?? 'nothing selected' };
    const order: string[] = [];
    let next = context.current(partition);
    while (next !== undefined && order.length < MAX_ORDER) {
      const remark = marks.isBlocked(next)
        ? ' (blacklisted, skipped)'
        : marks.isOurs(next)
          ? ' (ourselves: a loop)'
          : '';
      order.push(maskUri(next.row.uri) + remark);
      next = context.next(partition);
    }
    return { sets, order, failure: undefined };
  });
}

function explainedSet(
  partition: Partition,
  target: SelectTarget,
  set: CompiledSet | undefined,
  scope: RequestScope,
  { isBlocked, isOurs }: Marks,
): ExplainedSet {
  const { algorithm: code, setId } = target;
  const name = flavourKind(partition.options.flavour).algorithmName(code, false) ?? 'unknown';
  const destinations = set?.destinations ?? [];
  const decided = set === undefined ? undefined : decidedBy(partition, target, set, scope, name);
  return {
    set: setId,
    algorithm: `${code} ${name}`,
    ...(decided === undefined ? {} : { decided_by: decided }),
    active: destinations.filter(({ health }) => health.state === 'active').length,
    candidates: destinations.slice(0, MAX_CANDIDATES).map((each): ExplainedCandidate => {
      const { row, health } = each;
      const { lastChange } = health;
      return {
        destination: maskUri(row.uri),
        state: health.state,
        ...(lastChange === undefined
          ? {}
          : {
              since: new Date(lastChange.time).toISOString(),
              why: [lastChange.reason, lastChange.cause].filter(Boolean).join(', '),
            }),
        weight: weightOf(each),
        priority: row.priority,
        ...(row.attrs === '' ? {} : { attrs: row.attrs }),
        ...(isBlocked(each) ? { blacklisted: true } : {}),
        ...(isOurs(each) ? { ourselves: true } : {}),
      };
    }),
    ...(destinations.length > MAX_CANDIDATES ? { more_candidates: destinations.length - MAX_CANDIDATES } : {}),
  };
}

/** Data by which the algorithm decides: the key and its hash, or the position to continue at. */
function decidedBy(
  partition: Partition,
  { flags }: SelectTarget,
  set: CompiledSet,
  scope: RequestScope,
  name: string,
): string | undefined {
  const userOnly = (flags & 2) !== 0;
  const total = set.destinations.reduce((sum, each) => sum + weightOf(each), 0);
  const over = (what: string, key: string | undefined, hash: number): string =>
    key === undefined || key === ''
      ? `${what} is empty`
      : `hash 0x${(hash >>> 0).toString(16).padStart(8, '0')} of ${what} "${key}", over ${set.destinations.length} destinations of weight ${total}`;
  const byUri = (what: string, uri: string) =>
    over(userOnly ? `the user of ${what}` : what, uri, uriHash(uri, userOnly, partition.options.flavour));
  switch (name) {
    case 'hash-call-id':
      return over('Call-ID', scope.callId, dispatcherHash(scope.callId));
    case 'hash-from-uri':
      return byUri('the From URI', scope.fromUri);
    case 'hash-to-uri':
      return byUri('the To URI', scope.toUri);
    case 'hash-request-uri':
      return byUri('the request-URI', scope.requestUri);
    case 'hash-auth-user':
      return over('the digest username', scope.authUsername, dispatcherHash(scope.authUsername ?? ''));
    case 'hash-pvar':
    case 'hash-variable': {
      const value = trimmedIfThere(scope.hashVar(partition.name));
      return over('hash_pvar', value, dispatcherHash(value ?? ''));
    }
    case 'round-robin':
      return `position ${set.last + 1} of ${set.destinations.length} was chosen last (${maskUri(set.destinations[set.last]?.row.uri ?? '-')})`;
    case 'random':
      return 'a random number, drawn anew for each request';
    default:
      return undefined;
  }
}
