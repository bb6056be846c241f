import type { Destination } from '../engine/destination.js';
import type { CallRules, DestinationLoad } from '../engine/flavour.js';
import type { ClusterNode } from './node.js';

/** Milliseconds between two reports, and between two complete ones. */
const REPORT_MS = 200;
const WHOLE_MS = 10_000;
/** Destinations in one message. */
const MAX_IN_PART = 2000;
const MAX_TEXT = 256 * 1024;

/** Another node's calls at a destination, and how many of the remaining calls it has reserved. */
interface PeerLoad {
  readonly load: number;
  readonly share: number;
}

/** A flavour's rules for calls. */
type LoadRules = Pick<CallRules, 'loadOf' | 'shareLoad'>;

/** The last report of another node. */
interface Report {
  /** By partition and position in its sorted rows. */
  readonly counts: Map<string, PeerLoad>;
  /** Number of messages received. */
  received: number;
  /** Monotonic time after which its calls no longer count; undefined while the node lives. */
  until: number | undefined;
}

/**
 * Shares call load (algorithm 10) between nodes. Each node counts its own calls and publishes the counts, and adds
 * those of the others. If a destination has a maxload, each node reserves a share of the calls that it may still get. A
 * node enlarges its share only after it has received another report from every other node, so that maxload holds
 * although no call waits for a query.
 */
export class SharedLoad {
  private readonly reports = new Map<string, Report>();
  private readonly sent = new Map<string, string>();
  /** Number of messages received from each node when shares were last enlarged. */
  private raisedAt = new Map<string, number>();
  private reportedAt = 0;
  private wholeAt = 0;
  /** Number of nodes that took part when this one was cut off. */
  private lastCount = 1;

  constructor(
    private readonly node: ClusterNode,
    /** Destinations of a partition in the order of their keys, and its rules; undefined for a removed partition. */
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

  /** Whether every other node has reported since shares were last enlarged. */
  private mayRaise(): boolean {
    const { others } = this.node.membership;
    for (const [name, peer] of others) {
      if (peer.phase !== 'ready' && peer.phase !== 'draining') continue;
      if ((this.reports.get(name)?.received ?? 0) <= (this.raisedAt.get(name) ?? 0)) return false;
    }
    this.raisedAt = new Map([...this.reports].map(([name, { received }]) => [name, received]));
    return true;
  }

  /** Updates a destination with what is known of other nodes; returns this node's share. */
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
      // What other nodes have reserved remains theirs until they reduce it.
      const wanted = Math.max(load, Math.min(part, maxload - held));
      // A share is reduced at once, but enlarged only in step with the others.
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

  /** Each round publishes a message, even an empty one, so that the others know this node has reported. */
  private publish(partition: string, changed: readonly (readonly [number, number, number])[], whole: boolean): void {
    const { node } = this;
    if (!node.isIn || node.membership.others.size === 0) return;
    const rows = node.rows.hashOf(partition);
    for (let from = 0; from === 0 || from < changed.length; from += MAX_IN_PART) {
      const part = changed.slice(from, from + MAX_IN_PART);
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
    // Positions can be used only if both nodes have the same rows.
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
    const rows = node.rows.of(p).size;
    for (const each of c as unknown[]) {
      const [i, load, share] = Array.isArray(each) ? (each as unknown[]) : [];
      if (isCount(i) && i < rows && isCount(load) && isCount(share)) report.counts.set(`${p} ${i}`, { load, share });
    }
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
