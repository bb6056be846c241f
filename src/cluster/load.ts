import type { Destination } from '../engine/destination.js';
import type { CallRules, DestinationLoad } from '../engine/flavour.js';
import type { ClusterNode } from './node.js';

/** Milliseconds between two reports, and between two that hold everything. */
const REPORT_MS = 200;
const WHOLE_MS = 10_000;
/** Destinations in one message. */
const MOST = 2000;
const MAX_TEXT = 256 * 1024;

/** Calls of another node at one destination, and how many of the rest it holds for itself. */
interface Theirs {
  readonly load: number;
  readonly share: number;
}

/** What a flavour knows of calls. */
type LoadRules = Pick<CallRules, 'loadOf' | 'shareLoad'>;

/** What one other node has said. */
interface Report {
  /** By partition and position in its sorted rows. */
  readonly counts: Map<string, Theirs>;
  /** Grows with each message. */
  received: number;
  /** Monotonic time after which its calls do not count any more; undefined while it lives. */
  until: number | undefined;
}

/**
 * Call load (algorithm 10) over all nodes. Each counts its own calls and publishes the counts; what others have is added.
 * Of the calls a destination with maxload may still take each node holds a share for itself, which it raises only after
 * it has received a report of every other node again: so the bound holds without a query in the path of a call.
 */
export class SharedLoad {
  private readonly reports = new Map<string, Report>();
  private readonly sent = new Map<string, string>();
  /** Messages received from each node when shares were raised last. */
  private raisedAt = new Map<string, number>();
  private reportedAt = 0;
  private wholeAt = 0;
  /** Nodes that took part when this one was cut off. */
  private lastCount = 1;

  constructor(
    private readonly node: ClusterNode,
    /** Destinations of a partition in the order of their keys, and its rules; undefined for a partition that is gone. */
    private readonly counted: (
      partition: string,
    ) => { readonly destinations: readonly Destination[]; readonly rules: LoadRules } | undefined,
  ) {
    node.on('load', (name, text) => this.received(name, text));
    node.onMember((name, phase) => {
      const report = this.reports.get(name);
      if (report === undefined) return;
      if (phase === 'dead') report.until = node.now + node.options.settings.loadKeep * 1000;
      else report.until = undefined;
    });
    node.onTick((now) => {
      if (now - this.reportedAt >= REPORT_MS - 50) this.step(now);
    });
  }

  private step(now: number): void {
    this.reportedAt = now;
    for (const [name, { until }] of this.reports) if (until !== undefined && until <= now) this.reports.delete(name);
    const { node } = this;
    const alone = node.phase === 'alone';
    if (!alone && node.isIn) this.lastCount = node.membership.others.size + 1;
    const raise = this.mayRaise();
    const whole = now - this.wholeAt >= WHOLE_MS;
    if (whole) this.wholeAt = now;
    for (const partition of node.rows.names()) {
      const counted = this.counted(partition);
      if (counted === undefined) continue;
      const changed: [number, number, number][] = [];
      let counts = false;
      for (const [i, destination] of counted.destinations.entries()) {
        const known = counted.rules.loadOf(destination);
        if (known === undefined) break;
        counts = true;
        const share = this.settle(partition, i, destination, counted.rules, known, alone, raise);
        const key = `${partition} ${i}`;
        const text = `${known.load} ${share ?? 0}`;
        if (whole ? known.load === 0 && share === undefined : (this.sent.get(key) ?? '0 0') === text) continue;
        this.sent.set(key, text);
        changed.push([i, known.load, share ?? 0]);
      }
      if (counts) this.publish(partition, changed, whole);
    }
  }

  /** Whether every other node has reported since the shares were raised last. */
  private mayRaise(): boolean {
    const { others } = this.node.membership;
    for (const [name, peer] of others) {
      if (peer.phase !== 'ready' && peer.phase !== 'draining') continue;
      if ((this.reports.get(name)?.received ?? 0) <= (this.raisedAt.get(name) ?? 0)) return false;
    }
    this.raisedAt = new Map([...this.reports].map(([name, { received }]) => [name, received]));
    return true;
  }

  /** Brings a destination up to what is known of the others; returns this node's share of it. */
  private settle(
    partition: string,
    i: number,
    destination: Destination,
    rules: LoadRules,
    { load, share: before, maxload }: DestinationLoad,
    alone: boolean,
    raise: boolean,
  ): number | undefined {
    let elsewhere = 0;
    let held = 0;
    for (const report of alone ? [] : this.reports.values()) {
      const theirs = report.counts.get(`${partition} ${i}`);
      elsewhere += theirs?.load ?? 0;
      held += Math.max(theirs?.load ?? 0, report.until === undefined ? (theirs?.share ?? 0) : 0);
    }
    let share: number | undefined;
    if (maxload > 0 && alone) share = Math.max(1, Math.floor(maxload / this.lastCount));
    else if (maxload > 0) {
      const { rank, count } = this.rank();
      const free = Math.max(0, maxload - load - elsewhere);
      const part = load + Math.floor(free / count) + (rank < free % count ? 1 : 0);
      // What others still hold for themselves is theirs until they have given it back.
      const wanted = Math.max(load, Math.min(part, maxload - held));
      // A share is given back at once, and raised only in step with the others.
      share = raise || before === undefined ? wanted : Math.min(before, Math.max(wanted, load));
    }
    rules.shareLoad(destination, elsewhere, share);
    return share;
  }

  private rank(): { rank: number; count: number } {
    const { node } = this;
    const names = [node.name];
    for (const { name, phase } of node.membership.others.values()) {
      if (phase === 'ready' || phase === 'draining') names.push(name);
    }
    names.sort();
    return { rank: names.indexOf(node.name), count: names.length };
  }

  /** Each round publishes a message, so that the others know this node has reported. */
  private publish(partition: string, changed: readonly (readonly [number, number, number])[], whole: boolean): void {
    const { node } = this;
    if (!node.isIn || node.membership.others.size === 0) return;
    const rows = node.rows.hashOf(partition);
    for (let from = 0; from === 0 || from < changed.length; from += MOST) {
      const part = changed.slice(from, from + MOST);
      const text = JSON.stringify({ p: partition, h: rows, ...(whole && from === 0 ? { all: true } : {}), c: part });
      node.options.bus.publish('load', node.name, text);
    }
  }

  private received(name: string, text: string): void {
    const { node } = this;
    if (name === node.name || text.length > MAX_TEXT) return;
    let message: { p?: unknown; h?: unknown; all?: unknown; c?: unknown };
    try {
      message = JSON.parse(text) as typeof message;
    } catch {
      return;
    }
    const { p, h, all, c } = message ?? {};
    // Positions mean something only in the same rows.
    if (typeof p !== 'string' || node.rows.hashOf(p) !== h || !Array.isArray(c)) return;
    let report = this.reports.get(name);
    if (report === undefined) {
      if (this.reports.size > 1024) return;
      this.reports.set(name, (report = { counts: new Map(), received: 0, until: undefined }));
    }
    report.received++;
    report.until = undefined;
    if (all === true) {
      for (const key of report.counts.keys()) if (key.startsWith(`${p} `)) report.counts.delete(key);
    }
    for (const each of c as unknown[]) {
      const [i, load, share] = Array.isArray(each) ? (each as unknown[]) : [];
      if (isCount(i) && isCount(load) && isCount(share)) report.counts.set(`${p} ${i}`, { load, share });
    }
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
