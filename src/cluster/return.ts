import type { Destination } from '../engine/destination.js';
import type { ClusterNode } from './node.js';
import { type Intent, isCommand } from './record.js';
import type { Entry } from './record-entry.js';

/** Decisions settled at one tick: 200 a second. */
const DECISIONS_PER_TICK = 20;

/**
 * Settles what a node decided while it was alone, after it has returned and read what the others decided. No node
 * commits an unverified state. An operator's order is committed unless there is a later one. The result of a probe
 * counts only after another probe, and not at all if others have newer results.
 */
export class Return {
  constructor(private readonly node: ClusterNode) {
    node.joining.returning = () => this.step();
  }

  /** Settles some decisions; returns true when nothing is left. */
  private step(): boolean {
    let count = 0;
    for (const entry of [...this.node.records.pending]) {
      if (entry.flight !== undefined || this.settled.has(entry)) continue;
      if (++count > DECISIONS_PER_TICK) return false;
      this.settle(entry);
    }
    this.settled.clear();
    return true;
  }

  private readonly settled = new Set<Entry>();

  private settle(entry: Entry): void {
    const { node } = this;
    const { records, owners } = node;
    const { destination, record, queue, baseV } = entry;
    const word = queue.filter(isCommand).at(-1);
    const unchanged = (record?.v ?? 0) === baseV;
    this.settled.add(entry);
    if (word !== undefined) {
      if (unchanged || (record?.ov ?? 0) <= baseV) records.replace(entry, [word]);
      else {
        node.options.log.warn(
          { key: entry.key, here: word.to, theirs: record?.st, by: record?.w },
          `cluster: two operators have set the state of ${record?.a}: ${word.to} here while this node was alone, ${record?.st} on another node, which is kept`,
        );
        records.replace(entry, []);
      }
      return;
    }
    const verdict = queue.filter(({ kind }) => kind === 'success' || kind === 'failure' || kind === 'set').at(-1);
    if (destination === undefined || verdict === undefined) {
      records.replace(entry, []);
      return;
    }
    if (!owners.owns(destination) && owners.ownerOf(destination) !== node.name) {
      if (unchanged && verdict.kind !== 'success') node.suspicions.send(entry.key, destination);
      records.replace(entry, []);
    } else if (!unchanged) {
      records.replace(entry, []);
      node.options.host.probeSoon([destination]);
    } else this.recheck(entry, destination, verdict);
  }

  private recheck(entry: Entry, destination: Destination, verdict: Intent): void {
    const { records, options } = this.node;
    // No node probes it, so only calls show its state.
    if (!options.host.isProbed(destination)) {
      records.replace(entry, [verdict]);
      return;
    }
    const { queue } = entry;
    entry.held = true;
    options.host.check(destination, (good) => {
      if (entry.queue !== queue || !entry.held) return;
      if (!good && verdict.kind !== 'success') records.replace(entry, [verdict]);
      else if (good && verdict.kind === 'success') records.replace(entry, [verdict]);
      else records.replace(entry, []);
    });
  }
}
