import { isDeepStrictEqual } from 'node:util';
import { deserialize } from 'node:v8';
import { type BlacklistDefinition, BlacklistTable } from '../blacklist/blacklist.js';
import { nextIteration } from '../core/event-loop.js';
import type { Logger } from '../core/logger.js';
import type { CompiledSet } from '../engine/compiled-set.js';
import type { Partition } from '../engine/partition.js';
import type { SelectTarget } from '../engine/selection.js';
import type { RouteDecision, RoutedRequest } from '../proxy/decision.js';
import type { DialogTokens } from '../proxy/dialog-token.js';
import type { ProxyOptions } from '../proxy/proxy.js';
import { compileFormat } from '../pvar/format.js';
import { type DispatcherFormats, RequestScope } from '../route/request-scope.js';
import { attributeLog } from '../route/rules/destination-changes.js';
import type { LooseRoute } from '../route/rules/dialog.js';
import { DialogGate, type Passage } from '../route/rules/dialog-gate.js';
import { FROM, parseFromList } from '../route/rules/from-list.js';
import { type CompiledRule, compileRule, type ReadySelection } from '../route/rules/rule.js';
import { RulesRouter } from '../route/rules/rules-router.js';
import type { LocalSockets } from '../sip/local-sockets.js';
import { ALGORITHMS_OF_WORKERS } from './algorithms.js';
import { fitsDatagram } from './datagram-only.js';
import { LocalPlan, type Marks } from './local-plan.js';
import { PlainSets } from './plain-sets.js';
import type { SharedRules } from './protocol.js';
import type { Replica } from './replica.js';

/** What a worker needs to decide requests. */
export interface LocalRulesOptions {
  readonly replica: Replica;
  readonly sockets: LocalSockets;
  readonly tokens: DialogTokens;
  readonly proxy: ProxyOptions;
  readonly log: Logger;
  readonly marks: Marks;
  /** A selection in a partition succeeded. */
  readonly selected: (partition: string) => void;
  /** Whether the brain is to be asked about everything. */
  readonly asksAlways: () => boolean;
}

/** A rule with the data for deciding by it. */
interface LocalRule {
  readonly compiled: CompiledRule;
  /** Whether requests that match it may be decided here at all. */
  readonly isLocal: boolean;
  /** Partitions that its match uses. */
  readonly looksAt: readonly string[];
  /** Partitions from whose sets the blacklists in use are made. */
  readonly listsFrom: readonly string[];
}

/**
 * Decides requests in a worker like the brain would: by the same rules, over tables that share with the brain what
 * selections change. It leaves all other requests to the brain.
 */
export class LocalRules {
  private epoch = 0;
  private rules: readonly LocalRule[] = [];
  private formats: DispatcherFormats = NO_FORMATS;
  private router: RulesRouter | undefined = undefined;
  private readonly plain: PlainSets;
  private lists = new BlacklistTable(BY_BRAIN);
  private listed: readonly BlacklistDefinition[] = [];
  /** The names of all partitions. */
  private partitions: readonly string[] = [];
  private readonly gate: DialogGate;

  constructor(private readonly options: LocalRulesOptions) {
    const { engine } = options.replica;
    this.plain = new PlainSets(engine, options.sockets);
    this.gate = new DialogGate({
      engine,
      tokens: options.tokens,
      // Requests in dialogs that began elsewhere are left to the brain.
      foreign: 'refuse',
      trusted: { has: () => false },
      limiter: { take: () => 1 },
      tally: { passed: () => undefined, refused: () => undefined },
    });
  }

  /** Uses new rules, which are valid as long as their epoch is; null: none. */
  use(epoch: number, text: string | null): void {
    const { replica, sockets, log, selected } = this.options;
    const { engine } = replica;
    this.router = undefined;
    this.plain.forget();
    if (text === null) return;
    const shared = deserialize(Buffer.from(text, 'base64')) as SharedRules;
    engine.defaultPartition = shared.defaultPartition;
    this.partitions = shared.partitions;
    const unusable = attributeLog(log);
    const rules = shared.rules.map((rule) => compileRule(rule, (name) => engine.partition(name), unusable));
    this.rules = rules.map((rule) => localRule(rule, shared.blacklists));
    if (!isDeepStrictEqual(shared.blacklists, this.listed)) {
      this.listed = shared.blacklists;
      this.lists = new BlacklistTable(BY_BRAIN, shared.blacklists);
      for (const partition of engine.partitions) this.lists.rebuild(partition);
    }
    this.formats = {
      ...NO_FORMATS,
      hash: shared.hashPvar === undefined ? undefined : compileFormat(shared.hashPvar),
    };
    this.router = new RulesRouter({
      engine,
      sockets,
      rules,
      formats: this.formats,
      blocked: (lists, address) => this.lists.blocked(lists, address),
      tally: { selected, failed: () => undefined },
      log,
      dialogs: { mayPass: () => undefined, explain: () => ({ passes: false, why: 'the main process decides' }) },
    });
    this.epoch = epoch;
  }

  /** Makes the blacklists from the sets of a new table. */
  prepare(partition: Partition): Promise<void> {
    return this.lists.rebuildInSlices(partition, nextIteration);
  }

  /** The decision about a request outside dialogs; undefined: the brain must decide. */
  decide(request: RoutedRequest): RouteDecision | undefined {
    const { router, options } = this;
    if (router === undefined || !options.replica.isInForce(this.epoch) || !this.isPlainRequest(request))
      return undefined;
    const { message, source, requestUri } = request;
    const scope = new RequestScope(message, source, requestUri, this.formats);
    const rule = this.match(scope);
    if (rule?.isLocal !== true || !rule.listsFrom.every((name) => this.isPlain(name))) return undefined;
    const { compiled } = rule;
    const selection = compiled.selection(scope);
    if (typeof selection === 'string' || !this.maySelect(selection)) return undefined;
    for (const each of compiled.fallbacks) {
      const further = each(scope);
      if (typeof further === 'string' || !this.maySelect(further)) return undefined;
    }
    const { partition } = selection;
    const first = setOf(partition, selection.targets[0]);
    if (first === undefined) return undefined;
    // While the lock is held, the table cannot be replaced.
    first.enter();
    try {
      if (!options.replica.isCurrent(partition) || first.activeBefore(first.destinations.length) === 0)
        return undefined;
      const decision = router.decide(compiled, request, scope, undefined);
      // The brain repeats and counts a failed selection.
      if (decision.kind !== 'relay') return undefined;
      return { kind: 'relay', plan: new LocalPlan(decision.plan, options.replica.engine, options.marks) };
    } finally {
      first.leave();
    }
  }

  /** The decision about a request in a dialog that began here; undefined: the brain must decide. */
  mayPass(request: RoutedRequest, loose: LooseRoute): Passage | undefined {
    // Host names are resolved by the brain only.
    return this.isWhole() ? this.gate.mayPass(request, loose) : undefined;
  }

  /**
   * Whether all tables are current here and have no host names: then every request can be decided, whatever it asks
   * for.
   */
  isWhole(): boolean {
    const { replica } = this.options;
    if (this.router === undefined || !replica.isInForce(this.epoch)) return false;
    return this.partitions.every((name) => this.isPlain(name));
  }

  /** Whether the table of a partition is current here and has no host names. */
  private isPlain(name: string): boolean {
    const { replica } = this.options;
    const partition = replica.engine.partition(name);
    return partition !== undefined && replica.isCurrent(partition) && partition.named().length === 0;
  }

  private match(scope: RequestScope): LocalRule | undefined {
    const { replica } = this.options;
    for (const rule of this.rules) {
      for (const name of rule.looksAt) {
        const partition = replica.engine.partition(name);
        if (partition === undefined || !replica.isCurrent(partition)) return undefined;
      }
      if (rule.compiled.matches(scope)) return rule;
    }
    return undefined;
  }

  private isPlainRequest({ message, strictRoute }: RoutedRequest): boolean {
    const { method, routeLine, toTag, parsedUri, requestUri } = message;
    if (toTag !== '' || routeLine >= 0 || strictRoute !== undefined) return false;
    if (method === 'CANCEL' || method === 'OPTIONS' || this.options.asksAlways()) return false;
    // Some parameters of the request-URI may change the address of destinations that are written into it.
    if (parsedUri?.params !== '' && /transport|maddr/i.test(requestUri)) return false;
    return fitsDatagram(message, this.options.proxy, this.options.sockets);
  }

  private maySelect({ partition, targets, routes }: ReadySelection): boolean {
    if (routes !== undefined || targets.length === 0 || !this.options.replica.isCurrent(partition)) return false;
    const known: ReadonlySet<number> = ALGORITHMS_OF_WORKERS[partition.options.flavour];
    for (const target of targets) {
      if (!known.has(target.algorithm) || setOf(partition, target)?.shared === undefined) return false;
    }
    return this.plain.areIn({ rule: '', partition: partition.name, sets: targets.map(({ setId }) => setId) });
  }
}

function setOf({ snapshot }: Partition, target: SelectTarget | undefined): CompiledSet | undefined {
  return target === undefined ? undefined : (snapshot.sets.get(target.setId) as CompiledSet | undefined);
}

function localRule(compiled: CompiledRule, blacklists: readonly BlacklistDefinition[]): LocalRule {
  const { relay, select, redirects, useBlacklist, match } = compiled.rule;
  const isLocal = relay === 'stateful' && select !== undefined && !redirects.follow;
  const looksAt = [...match].filter(([name]) => name === FROM).map(([, pattern]) => parseFromList(pattern).partition);
  const listsFrom = blacklists.filter(({ name }) => useBlacklist.includes(name)).map(({ partition }) => partition);
  return { compiled, isLocal, looksAt, listsFrom };
}

/** No warnings here: the brain warns of lists without rules. */
const BY_BRAIN = { warn: () => undefined };

const NO_FORMATS: DispatcherFormats = {
  hash: undefined,
  load: undefined,
  score: undefined,
  statistic: () => undefined,
};
