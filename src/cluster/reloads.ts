import { encodeToken } from '../events/subject.js';
import type { ClusterNode } from './node.js';
import { rankOwners } from './ownership.js';
import type { Questions } from './questions.js';

/** The functions for loading that this file uses. */
export interface Loader {
  /** Names of the partitions that take part. */
  partitions(): readonly string[];
  /** Loads a partition and keeps states; rejects with the reason when it cannot. */
  load(partition: string): Promise<{ readonly rows: number }>;
}

/** The result of a node's last shared reload. */
export interface ReloadReport {
  readonly rows?: number;
  readonly error?: string;
  readonly at: number;
  readonly asked: number;
}

const FIRST_RETRY = 1000;
const LONGEST_RETRY = 30_000;
/** Milliseconds to wait for the other nodes' reports. */
const REPORT_MS = 10_000;
const LOOK_MS = 250;
/** Milliseconds one node has to answer. */
const ANSWER_MS = 2000;
/** Maximum number of nodes that load at the same time. */
const MAX_CONCURRENT_LOADS = 3;
/** Milliseconds this node waits for those before it; then it loads anyway. */
const WINDOW_MS = 10_000;

/** A reload that this node is going to do. */
interface Due {
  readonly n: number;
  /** The nodes that load before this one. */
  readonly before: readonly string[];
  /** Monotonic times: earliest, and latest whatever the others do. */
  readonly from: number;
  readonly until: number;
}

interface Request {
  readonly n: number;
  readonly by: string;
}

/**
 * Reloads by all nodes. The node that gets the command writes it to the bucket. The others load one after the other
 * within the configured spread, at most three at a time, so that not all ask the database at once.
 */
export class Reloads {
  private readonly applied = new Map<string, number>();
  private readonly rows = new Map<string, number>();
  private readonly errors = new Map<string, string>();
  private readonly planned = new Map<string, () => void>();
  private readonly due = new Map<string, Due>();
  /** By partition: nodes that have finished a reload or failed. */
  private readonly done = new Map<string, { n: number; readonly names: Set<string> }>();

  constructor(
    private readonly node: ClusterNode,
    private readonly questions: Questions,
    private readonly loader: Loader,
  ) {
    node.onValue((key, text) => {
      if (key.startsWith('r.')) this.asked(key, text);
    });
    node.on('loaded', (name, text) => this.finishedElsewhere(name, text));
    node.onTick((now) => this.begin(now));
    questions.on('reload', ({ partition }, answer) => answer(this.report(String(partition))));
  }

  /** The result of this node for a partition. */
  report(partition: string): ReloadReport {
    const error = this.errors.get(partition);
    const rows = this.rows.get(partition);
    return {
      asked: parseRequest(this.node.values.get(keyOf(partition)))?.n ?? 0,
      at: this.applied.get(partition) ?? 0,
      ...(rows === undefined ? {} : { rows }),
      ...(error === undefined ? {} : { error }),
    };
  }

  /**
   * Called when this node has loaded a partition that the other nodes must load too; `done`: whether they have been
   * notified.
   */
  spread(partition: string, done: (shared: boolean) => void): void {
    const { node } = this;
    if (!node.options.settings.reload || !node.isIn || !node.options.bus.connected) {
      done(false);
      return;
    }
    node.values.update(
      keyOf(partition),
      (text) => {
        const known = parseRequest(text)?.n;
        const applied = this.applied.get(partition) ?? 0;
        const n = nextNumber(known !== undefined && isLater(known, applied) ? known : applied);
        return JSON.stringify({ n, by: node.name });
      },
      (outcome) => done(outcome === 'written'),
    );
  }

  /** The results of all nodes for a reload, when they have finished or after ten seconds. */
  collect(partition: string, done: (reports: Readonly<Record<string, ReloadReport | undefined>>) => void): void {
    const { node } = this;
    const reports: Record<string, ReloadReport | undefined> = { [node.name]: this.report(partition) };
    const wanted = reports[node.name]?.asked ?? 0;
    const until = node.now + REPORT_MS;
    const left = new Set(node.membership.others.keys());
    const look = () => {
      let open = left.size;
      if (open === 0) done(reports);
      for (const name of [...left]) {
        this.questions.ask(name, { q: 'reload', partition }, ANSWER_MS, (value) => {
          if (value !== undefined) {
            reports[name] = value as unknown as ReloadReport;
            if (Number(value['at']) >= wanted || value['error'] !== undefined) left.delete(name);
          } else reports[name] ??= undefined;
          if (--open > 0) return;
          if (left.size === 0 || node.now >= until) done(reports);
          else node.options.clock.schedule(LOOK_MS, look);
        });
      }
    };
    look();
  }

  private asked(key: string, text: string): void {
    const { node } = this;
    const request = parseRequest(text);
    const partition = this.loader.partitions().find((name) => keyOf(name) === key);
    if (request === undefined || partition === undefined) return;
    // This node read the rows when it started, after that reload was requested; and the node that requested it has done
    // it.
    const first = !this.applied.has(partition) && !node.isIn;
    if (first || request.by === node.name) {
      this.applied.set(partition, request.n);
      return;
    }
    if (!isLater(request.n, this.applied.get(partition) ?? 0)) return;
    const names = [node.name, ...node.membership.others.keys()].filter((name) => name !== request.by);
    const ranked = rankOwners(
      `${partition}:${request.n}`,
      names.map((name) => ({ name, weight: 1 })),
    );
    const rank = ranked.indexOf(node.name);
    const from = node.now + (node.options.settings.reloadSpread * 1000 * rank) / ranked.length;
    const until = from + Math.floor(rank / MAX_CONCURRENT_LOADS) * WINDOW_MS;
    this.planned.get(partition)?.();
    this.planned.delete(partition);
    this.due.set(partition, { n: request.n, before: ranked.slice(0, rank), from, until });
    this.begin(node.now);
  }

  /** Another node has finished its load. */
  private finishedElsewhere(name: string, text: string): void {
    if (text.length > 1024) return;
    try {
      const { p, n } = JSON.parse(text) as { p?: unknown; n?: unknown };
      if (typeof p !== 'string' || !Number.isSafeInteger(n)) return;
      const known = this.done.get(p);
      if (known !== undefined && known.n === n) known.names.add(name);
      else if (known === undefined ? this.loader.partitions().includes(p) : known.n < (n as number)) {
        this.done.set(p, { n: n as number, names: new Set([name]) });
      }
      this.begin(this.node.now);
    } catch {
      // Anybody may publish such a message, so an invalid one is ignored.
    }
  }

  /** Begins the reloads that are due, if at most two of the nodes before this one are still loading. */
  private begin(now: number): void {
    for (const [partition, { n, before, from, until }] of this.due) {
      if (now < from) continue;
      const { others } = this.node.membership;
      const done = this.done.get(partition);
      const loading = before.filter((name) => others.has(name) && !(done?.n === n && done.names.has(name)));
      if (loading.length >= MAX_CONCURRENT_LOADS && now < until) continue;
      this.due.delete(partition);
      this.plan(partition, n, 0, FIRST_RETRY);
    }
  }

  private finished(partition: string, n: number): void {
    const { options, name } = this.node;
    options.bus.publish('loaded', name, JSON.stringify({ p: partition, n }));
  }

  private plan(partition: string, n: number, delay: number, retry: number): void {
    const { clock, log } = this.node.options;
    this.planned.get(partition)?.();
    const cancel = clock.schedule(delay, () => {
      this.planned.delete(partition);
      this.loader.load(partition).then(
        ({ rows }) => {
          this.rows.set(partition, rows);
          this.errors.delete(partition);
          this.applied.set(partition, Math.max(n, this.applied.get(partition) ?? 0));
          this.finished(partition, n);
          this.node.writeMember();
        },
        (error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          this.errors.set(partition, message);
          this.finished(partition, n);
          log.warn({ partition, error: message }, `cluster: partition ${partition} could not follow reload ${n}`);
          // A random delay, so that nodes that failed together do not try again together.
          const wait = retry * (0.5 + this.node.options.random.uint32() / 2 ** 32);
          if (!this.planned.has(partition) && !this.due.has(partition)) {
            this.plan(partition, n, wait, Math.min(LONGEST_RETRY, retry * 2));
          }
        },
      );
    });
    this.planned.set(partition, cancel);
  }
}

/** Requests are numbered from 1 to this number and then again from 1, so that no number is the last one. */
const LAST_NUMBER = 2 ** 52;

function nextNumber(n: number): number {
  return n >= LAST_NUMBER ? 1 : n + 1;
}

/** Whether a number comes after another one: the way there is the shorter one. */
function isLater(n: number, than: number): boolean {
  return n > than ? n - than < LAST_NUMBER / 2 : than - n > LAST_NUMBER / 2;
}

function keyOf(partition: string): string {
  return `r.${encodeToken(partition)}`;
}

function parseRequest(text: string | undefined): Request | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const { n, by } = JSON.parse(text) as Partial<Request>;
    const isNumber = Number.isSafeInteger(n) && (n as number) > 0 && (n as number) <= LAST_NUMBER;
    return isNumber && typeof by === 'string' ? { n: n as number, by } : undefined;
  } catch {
    return undefined;
  }
}
