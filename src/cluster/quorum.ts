import type { Destination } from '../engine/destination.js';
import type { StateSignal } from '../engine/state.js';
import type { ClusterNode } from './node.js';
import type { Questions } from './questions.js';
import type { DestinationRecord } from './record.js';
import type { Entry } from './record-entry.js';

/** Number of nodes asked besides the owner. */
const WITNESSES = 2;
/** Maximum number of probes for other nodes at a time. */
const MAX_CHECKS = 500;
/** Probing intervals for which a node that cannot reach a destination leaves it to others. */
const SKIP_INTERVALS = 10;
const MAX_SEEN = 100_000;

/** What the vote needs. */
export interface QuorumOptions {
  readonly node: ClusterNode;
  readonly questions: Questions;
  /** Failures until a destination becomes unusable. */
  failuresLeft(destination: Destination): number;
  /** Milliseconds a probe may take. */
  timeoutMs(): number;
  /** Applies a signal that waited for the answers of other nodes. */
  apply(signal: StateSignal): void;
}

/**
 * Before an owner switches a destination off, it asks the next two nodes to probe it too. Two failures of three decide.
 * When only the owner cannot reach it, the owner does not send calls there itself, and lets the next node probe it for
 * a while. So one node with a broken network connection does not switch gateways off for the others.
 */
export class Quorum {
  private readonly asking = new Set<string>();
  /** Destinations that only this node cannot reach, and until when. */
  private readonly unreachable = new Map<string, number>();
  /** By the key of a destination: nodes that leave it to others, and until when. */
  private readonly skips = new Map<string, Map<string, number>>();
  /** Notes in records that were seen before. */
  private readonly seen = new Set<string>();
  private passing = false;
  private checks = 0;

  constructor(private readonly options: QuorumOptions) {
    const { node, questions } = options;
    node.owners.skipped = (destination) => this.skipped(destination);
    node.changes.ignoresRecord = (destination, record) => this.ignoresRecord(destination, record);
    node.changes.holds = (signal) => this.holds(signal);
    node.changes.diverts = (destination) => this.diverting === destination;
    node.onRecorded((entry) => this.recorded(entry));
    node.onTick((now) => this.expire(now));
    questions.on('probe', ({ key }, answer) => this.check(String(key), answer));
  }

  private diverting: Destination | undefined;

  /** Whether a signal has to wait for the other nodes; it is then applied later or not at all. */
  private holds(signal: StateSignal): boolean {
    const { node, failuresLeft } = this.options;
    const { destination, kind, origin } = signal;
    if (this.passing || kind !== 'failure' || origin !== 'probe') return false;
    const { verdict } = node.options.settings;
    if ((verdict !== 'quorum' && verdict !== 'zone') || node.phase !== 'ready') return false;
    const { health } = destination;
    if (health.state !== 'active' || failuresLeft(destination) > 1) return false;
    const entry = node.entryOf(destination);
    if (this.asking.has(entry.key)) return true;
    const witnesses = node.owners
      .ranked(destination)
      .filter((name) => name !== node.name)
      .slice(0, WITNESSES);
    if (witnesses.length < WITNESSES) return false;
    this.asking.add(entry.key);
    this.askAll(entry.key, signal, witnesses);
    return true;
  }

  private askAll(key: string, signal: StateSignal, witnesses: readonly string[]): void {
    const { questions, timeoutMs } = this.options;
    let open = witnesses.length;
    let answers = 0;
    let good = 0;
    let bad = 1;
    let decided = false;
    const decide = (off: boolean) => {
      if (decided) return;
      decided = true;
      this.asking.delete(key);
      this.decided(signal, off);
    };
    for (const name of witnesses) {
      questions.ask(name, { q: 'probe', key }, timeoutMs() + 1000, (answer) => {
        open--;
        if (typeof answer?.['good'] === 'boolean') {
          answers++;
          if (answer['good']) good++;
          else bad++;
        }
        if (bad >= 2) decide(true);
        else if (good >= 2) decide(false);
        // A node that does not answer is not counted; if nobody answers, the owner decides by itself.
        else if (open === 0) decide(answers === 0);
      });
    }
  }

  private decided(signal: StateSignal, off: boolean): void {
    const { node, apply } = this.options;
    const { destination } = signal;
    if (!node.owners.judges(destination) || destination.health.state !== 'active') return;
    this.passing = true;
    try {
      if (!off) {
        node.counters.disagreements++;
        const entry = node.entryOf(destination);
        this.diverting = destination;
        this.unreachable.set(entry.key, node.now + SKIP_INTERVALS * node.options.host.intervalMs());
        node.changes.skip(entry, destination);
      }
      apply(signal);
    } finally {
      this.passing = false;
      this.diverting = undefined;
    }
  }

  /** A record with state active does not apply here while this node cannot reach the destination. */
  private ignoresRecord(destination: Destination, record: DestinationRecord): boolean {
    if (this.unreachable.size === 0 || destination.health.state === 'active') return false;
    const { key } = this.options.node.entryOf(destination);
    if (!this.unreachable.has(key)) return false;
    if (record.st === 'active') return true;
    this.unreachable.delete(key);
    return false;
  }

  private skipped(destination: Destination): ReadonlySet<string> {
    const notes = this.skips.size === 0 ? undefined : this.skips.get(destination.key);
    return notes === undefined ? NO_NODES : new Set(notes.keys());
  }

  /** A note in a record is valid for some intervals after this node first sees it. */
  private recorded({ key, record, destination }: Entry): void {
    if (record?.skip === undefined || destination === undefined) return;
    const { node } = this.options;
    const until = node.now + SKIP_INTERVALS * node.options.host.intervalMs();
    let moved = false;
    for (const note of record.skip) {
      const id = `${key} ${note}`;
      if (this.seen.has(id)) continue;
      if (this.seen.size > MAX_SEEN) this.seen.clear();
      this.seen.add(id);
      const notes = this.skips.get(destination.key) ?? new Map<string, number>();
      this.skips.set(destination.key, notes.set(note.slice(0, note.lastIndexOf('@')), until));
      moved = true;
    }
    if (moved) node.ownershipMoved();
  }

  private expire(now: number): void {
    const { node } = this.options;
    let moved = false;
    for (const [key, notes] of this.skips) {
      for (const [name, until] of notes) if (until <= now && notes.delete(name)) moved = true;
      if (notes.size === 0) this.skips.delete(key);
    }
    if (moved) node.ownershipMoved();
    for (const [key, until] of this.unreachable) {
      if (until > now) continue;
      this.unreachable.delete(key);
      const entry = node.records.entry(key);
      // If this node owns the destination again, its next probe decides; otherwise the record applies.
      if (entry.destination !== undefined && !node.owners.owns(entry.destination)) node.records.adopt(entry);
    }
  }

  private check(key: string, answer: (value: unknown) => void): void {
    const { node } = this.options;
    const destination = node.rows.find(key);
    if (destination === undefined || this.checks >= MAX_CHECKS) {
      answer({});
      return;
    }
    this.checks++;
    node.options.host.check(destination, (good) => {
      this.checks--;
      answer({ good });
    });
  }
}

const NO_NODES: ReadonlySet<string> = new Set();
