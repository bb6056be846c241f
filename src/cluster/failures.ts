import type { Destination } from '../engine/destination.js';
import type { StateSignal } from '../engine/state.js';
import type { ClusterNode } from './node.js';

/** Maximum length of a message, and number of nodes whose counts are kept: anybody may publish such messages. */
const MAX_TEXT = 64 * 1024;
const MAX_NODES = 1024;

/** Maximum number of destinations in one message. */
const MAX_KEYS = 100;
/** Milliseconds between two messages. */
const EVERY_MS = 1000;
/** Maximum number of counts kept of one other node. */
const KEPT = 1000;

/**
 * Shares the failures counted toward a threshold: the owner of a destination publishes its count, and the next owner
 * continues from it. Otherwise, when a gateway dies together with the node that probes it, counting would begin again
 * at 0.
 */
export class FailureCounts {
  private readonly own = new Map<string, Destination>();
  private readonly others = new Map<string, ReadonlyMap<string, number>>();
  private sentAt = 0;

  constructor(
    private readonly node: ClusterNode,
    /** The failures that this node has counted for a destination. */
    private readonly counted: (destination: Destination) => number,
  ) {
    node.on('fail', (name, text) => this.received(name, text));
    node.onTick((now) => this.publish(now));
  }

  /** A probe of this node has ended. */
  noted({ destination, kind }: StateSignal, key: string): void {
    if (kind === 'failure') this.own.set(key, destination);
    else this.own.delete(key);
  }

  /** What earlier owners have counted for a destination that this node now owns. */
  of(key: string): number {
    let max = 0;
    for (const counts of this.others.values()) max = Math.max(max, counts.get(key) ?? 0);
    return max;
  }

  private publish(now: number): void {
    if (now - this.sentAt < EVERY_MS || this.own.size === 0 || this.node.phase !== 'ready') return;
    this.sentAt = now;
    const counts: [string, number][] = [];
    for (const [key, destination] of this.own) {
      const failures = this.counted(destination);
      if (failures === 0) this.own.delete(key);
      else if (counts.length < MAX_KEYS) counts.push([key, failures]);
    }
    this.node.options.bus.publish('fail', this.node.name, JSON.stringify(counts));
  }

  private received(name: string, text: string): void {
    if (name === this.node.name || text.length > MAX_TEXT || this.others.size > MAX_NODES) return;
    try {
      const list = JSON.parse(text) as unknown;
      if (!Array.isArray(list)) return;
      const counts = new Map<string, number>();
      for (const each of list.slice(0, KEPT) as unknown[]) {
        const [key, count] = Array.isArray(each) ? (each as unknown[]) : [];
        if (typeof key === 'string' && Number.isSafeInteger(count)) counts.set(key, Math.min(count as number, 1000));
      }
      this.others.set(name, counts);
    } catch {
      // Anybody may publish such a message, so an invalid one is ignored.
    }
  }
}
