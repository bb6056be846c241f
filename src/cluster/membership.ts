import { hash32 } from '../core/mix.js';
import type { Heartbeat } from './heartbeat.js';

/** A node as this one knows it. */
export interface Peer extends Heartbeat {
  readonly name: string;
  /** Monotonic milliseconds of its last heartbeat received. */
  readonly heardAt: number;
}

/** What the list of members is made with. */
export interface MembershipOptions {
  /** Name of this node. */
  readonly node: string;
  readonly inc: string;
  /** Milliseconds without a heartbeat after which a peer is dead. */
  readonly deadAfterMs: number;
  /** A node has appeared, gone, or changed its phase. */
  readonly changed?: (name: string, phase: Heartbeat['phase'] | 'dead') => void;
}

/** Milliseconds without the own echo after which this node calls itself cut off; before any peer is called dead. */
const ECHO_MS = 1000;
/** Milliseconds all deadlines start later after a connection came back. */
const GRACE_MS = 1000;
/** Nodes kept at most: who may publish heartbeats could name any number. */
const MAX_PEERS = 1024;

/**
 * Who is alive, by heartbeats alone. A pure state machine: times are handed in, in monotonic milliseconds of this
 * process. A node that does not receive its own heartbeat is cut off and declares no peer dead: the loss of NATS
 * says nothing about the peers.
 */
export class Membership {
  /** Grows whenever what ownership depends on has changed. */
  version = 0;
  /** Another incarnation of this node's name whose heartbeat was received, and when. */
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

  /** Other nodes that are alive, by name. */
  get others(): ReadonlyMap<string, Peer> {
    return this.peers;
  }

  /** The names this node holds live, its own included, as one number. */
  get view(): number {
    return hash32([this.options.node, ...this.peers.keys()].sort().join(' '), 0);
  }

  /** Milliseconds since the own heartbeat came back. */
  echoAge(now: number): number {
    return now - this.echoAt;
  }

  /** Milliseconds since the heartbeat, this node's own one included, that came longest ago. */
  silenceMs(now: number): number {
    let oldest = this.echoAt;
    for (const { heardAt } of this.peers.values()) if (heardAt < oldest) oldest = heardAt;
    return now - oldest;
  }

  /** Whether this node itself is the one that is cut off. */
  isCutOff(now: number): boolean {
    return !this.connected || now - this.echoAt > ECHO_MS;
  }

  /** The connection is there again at `now`, monotonic milliseconds: the silence of a member counts from some seconds later on. */
  connectionUp(now: number): void {
    this.connected = true;
    this.restart(now);
  }

  /** The connection is lost at `now`, monotonic milliseconds. */
  connectionDown(now: number): void {
    this.connected = false;
    this.cutSince ??= now;
  }

  /** Takes a heartbeat. Returns whether it was the own echo. */
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
    this.peers.set(name, { ...beat, name, heardAt: Math.max(now, known?.heardAt ?? now) });
    if (known === undefined || differs(known, beat)) {
      this.version++;
      if (known?.phase !== beat.phase || known.inc !== beat.inc) this.options.changed?.(name, beat.phase);
    }
    return false;
  }

  /** A node says that it leaves. */
  left(name: string, inc: string): void {
    if (this.peers.get(name)?.inc === inc) this.remove(name);
  }

  /** Declares peers dead whose heartbeat is overdue; returns their names. To be called several times a second. */
  tick(now: number): readonly string[] {
    if (this.isCutOff(now)) {
      this.cutSince ??= now;
      return [];
    }
    const dead: string[] = [];
    for (const { name, heardAt } of this.peers.values()) {
      if (now - heardAt > this.options.deadAfterMs) dead.push(name);
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
      this.peers.set(name, { ...peer, heardAt: Math.max(peer.heardAt, now + GRACE_MS) });
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
