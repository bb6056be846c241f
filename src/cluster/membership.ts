import { hash32 } from '../core/mix.js';
import type { Heartbeat } from './heartbeat.js';

/** Another node, as known from its heartbeats. */
export interface Peer extends Heartbeat {
  readonly name: string;
  /** When its last heartbeat was received, in monotonic milliseconds. */
  readonly receivedAt: number;
}

/** What the list of members needs. */
export interface MembershipOptions {
  /** Name of this node. */
  readonly node: string;
  readonly inc: string;
  /** Milliseconds without a heartbeat after which another node counts as dead. */
  readonly deadAfterMs: number;
  /** A node appeared, was found dead, or changed its phase. */
  readonly changed?: (name: string, phase: Heartbeat['phase'] | 'dead') => void;
}

/**
 * Milliseconds without its own heartbeat after which this node considers itself cut off; shorter than for declaring
 * others dead.
 */
const ECHO_MS = 1000;
/** Milliseconds by which all deadlines are extended after a connection came back. */
const GRACE_MS = 1000;
/** Maximum number of nodes kept, since anybody who may publish heartbeats could invent names. */
const MAX_PEERS = 1024;

/**
 * Decides from heartbeats alone which nodes are alive. It has no clock: times are passed in, in monotonic milliseconds
 * of this process. A node that does not receive its own heartbeats is cut off and declares nobody dead, since without
 * NATS it knows nothing about the others.
 */
export class Membership {
  /** Incremented when something changes that owners depend on. */
  version = 0;
  /** Another node with this node's name whose heartbeat was received, and when. */
  twin: { readonly inc: string; readonly phase: Heartbeat['phase']; readonly at: number } | undefined;
  private readonly peers = new Map<string, Peer>();
  private connected = false;
  private echoAt = Number.NEGATIVE_INFINITY;
  private cutSince: number | undefined;

  constructor(private readonly options: MembershipOptions) {}

  /** Incarnation of this node. */
  get inc(): string {
    return this.options.inc;
  }

  /** The other nodes that are alive, by name. */
  get others(): ReadonlyMap<string, Peer> {
    return this.peers;
  }

  /** A hash of the names of all nodes considered alive, including this one. */
  get view(): number {
    return hash32([this.options.node, ...this.peers.keys()].sort().join(' '), 0);
  }

  /** Milliseconds since this node last received its own heartbeat. */
  echoAge(now: number): number {
    return now - this.echoAt;
  }

  /** Milliseconds since the oldest of the last heartbeats of all nodes, including this one. */
  silenceMs(now: number): number {
    let oldest = this.echoAt;
    for (const { receivedAt } of this.peers.values()) if (receivedAt < oldest) oldest = receivedAt;
    return now - oldest;
  }

  /** Whether this node itself is cut off. */
  isCutOff(now: number): boolean {
    return !this.connected || now - this.echoAt > ECHO_MS;
  }

  /** The connection is back at `now`: the silence of a node counts only from some seconds later. */
  connectionUp(now: number): void {
    this.connected = true;
    this.restart(now);
  }

  /** The connection was lost at `now`, in monotonic milliseconds. */
  connectionDown(now: number): void {
    this.connected = false;
    this.cutSince ??= now;
  }

  /** Handles a heartbeat. Returns whether it was this node's own. */
  received(name: string, beat: Heartbeat, now: number): boolean {
    if (name === this.options.node) {
      if (beat.inc === this.options.inc) {
        if (this.cutSince !== undefined || now - this.echoAt > ECHO_MS) this.restart(now);
        this.cutSince = undefined;
        this.echoAt = Math.max(this.echoAt, now);
        return true;
      }
      this.twin = { inc: beat.inc, phase: beat.phase, at: now };
      return false;
    }
    const known = this.peers.get(name);
    if (known === undefined && this.peers.size >= MAX_PEERS) return false;
    this.peers.set(name, { ...beat, name, receivedAt: Math.max(now, known?.receivedAt ?? now) });
    if (known === undefined || differs(known, beat)) {
      this.version++;
      if (known?.phase !== beat.phase || known.inc !== beat.inc) this.options.changed?.(name, beat.phase);
    }
    return false;
  }

  /** A node has announced that it leaves. */
  left(name: string, inc: string): void {
    if (this.peers.get(name)?.inc === inc) this.remove(name);
  }

  /** Declares nodes dead whose heartbeat is overdue, and returns their names. Call it several times a second. */
  tick(now: number): readonly string[] {
    if (this.isCutOff(now)) {
      this.cutSince ??= now;
      return [];
    }
    const dead: string[] = [];
    for (const { name, receivedAt } of this.peers.values()) {
      if (now - receivedAt > this.options.deadAfterMs) dead.push(name);
    }
    for (const name of dead) this.remove(name);
    return dead;
  }

  private remove(name: string): void {
    if (!this.peers.delete(name)) return;
    this.version++;
    this.options.changed?.(name, 'dead');
  }

  /** Heartbeats missed while this node was cut off say nothing about the others. */
  private restart(now: number): void {
    this.echoAt = Math.max(this.echoAt, now);
    for (const [name, peer] of this.peers) {
      this.peers.set(name, { ...peer, receivedAt: Math.max(peer.receivedAt, now + GRACE_MS) });
    }
  }
}

function differs(a: Heartbeat, b: Heartbeat): boolean {
  return (
    a.inc !== b.inc ||
    a.phase !== b.phase ||
    a.weight !== b.weight ||
    a.zone !== b.zone ||
    a.tags.length !== b.tags.length ||
    a.tags.some((tag, i) => tag !== b.tags[i])
  );
}
