import type { Following } from './following.js';
import type { Phase } from './heartbeat.js';
import type { ClusterNodeOptions } from './host.js';
import type { Membership } from './membership.js';
import type { Records } from './records.js';
import type { StoreWatch } from './store-watch.js';

/** The parts of a node that this file uses. */
export interface JoiningNode {
  readonly now: number;
  readonly phase: Phase;
  readonly draining: boolean;
  readonly membership: Membership;
  readonly records: Records;
  readonly store: StoreWatch;
  readonly following: Following;
  readonly counters: { rejoins: number };
  readonly options: Pick<ClusterNodeOptions, 'node' | 'bus' | 'clock' | 'random' | 'log'>;
  /** Changes the phase, and publishes it. */
  enter(phase: Phase): void;
  beat(): void;
  writeMember(): void;
}

/** Stage of joining the cluster. */
type Stage = 'down' | 'opening' | 'waiting' | 'reading' | 'settling' | 'resolving' | 'in';

/** Milliseconds to listen before taking part, in which a second node of the same name would be noticed. */
const SETTLE_MS = 1500;
/**
 * The same for a node that took part before: two heartbeats of another node with its name. Time spent waiting before
 * counts too.
 */
const RETURN_SETTLE_MS = 900;
/** Milliseconds a returning node waits before it reads the bucket; many nodes are spread over this time. */
const RETURN_WAIT_MS = 300;
const RETURN_SPREAD_MS = 1000;
/** Milliseconds after which a node is alone: without its own heartbeats, and with a commit that is not answered. */
const ALONE_ECHO_MS = 3000;
const ALONE_COMMIT_MS = 15_000;
const RETRY_MS = 500;
/** Maximum milliseconds a joining node waits for others that do not know a new bucket yet. */
const ELSEWHERE_MS = 6000;
/** Milliseconds within which a heartbeat of another node with this name counts as new. */
const JUST_NOW_MS = 100;

/**
 * The stages in which a node joins its cluster, becomes alone and returns: open the bucket, wait, read it, listen for
 * another node of the same name, settle what was decided alone, take part.
 */
export class Joining {
  /** Why this node cannot take part at all; undefined: it can. */
  refused: string | undefined;
  private stage: Stage = 'down';
  private stageAt = 0;
  private startedAt = 0;
  /** Since when this node has been receiving again. */
  private listeningAt = 0;
  private everReady = false;

  constructor(private readonly node: JoiningNode) {}

  /** Settles what this node decided while alone; returns true when nothing is left. Set by return.ts. */
  returning: () => boolean = () => true;

  /** Whether the bucket was read and is followed. */
  get isThere(): boolean {
    return this.stage === 'in';
  }

  /** Whether changes may be committed in this stage, by a node that takes part or does not yet. */
  opens(takesPart: boolean): boolean {
    const { stage } = this;
    return stage === 'resolving' || (takesPart && (stage === 'in' || stage === 'opening'));
  }

  /** The node was started. */
  started(): void {
    this.startedAt = this.node.now;
  }

  /** There is a connection: opens the bucket and joins. */
  up(): void {
    this.listeningAt = this.node.now;
    this.stageTo('opening');
    this.open();
  }

  /** The connection is lost. */
  down(): void {
    this.stageTo('down');
  }

  /** The process was blocked: joins again. */
  again(): void {
    this.listeningAt = this.node.now;
    this.stageTo(this.node.options.bus.connected ? 'waiting' : 'down');
  }

  /** Goes to the next stage if possible. Call it about ten times a second. */
  step(now: number): void {
    const { node } = this;
    if (this.refused !== undefined) return;
    const deaf = node.membership.echoAge(now) > ALONE_ECHO_MS;
    const since = now - this.startedAt;
    if (node.phase !== 'alone') {
      const stuck = node.records.oldestMs() > ALONE_COMMIT_MS && this.everReady;
      if (stuck || (deaf && since > ALONE_ECHO_MS)) {
        this.becomeAlone(stuck ? 'its decisions cannot be committed' : 'its own heartbeats do not come back');
        return;
      }
    } else if (!deaf && node.options.bus.connected && this.stage === 'in') this.rejoin(now);
    const waited = now - this.stageAt;
    if (this.stage === 'waiting' && waited >= 0) this.join();
    else if (this.stage === 'settling' && this.hasListened(now, waited)) this.settle();
    else if (this.stage === 'resolving') this.resolve();
    const { twin } = node.membership;
    if (twin !== undefined && twin.at >= now - JUST_NOW_MS && this.stage === 'in' && twin.phase === 'ready') {
      // Two nodes of one name could not reach each other, and now do: one must leave, and both compute which.
      if (node.membership.inc > twin.inc) this.refuse();
    }
  }

  private hasListened(now: number, waited: number): boolean {
    return this.everReady ? now - this.listeningAt >= RETURN_SETTLE_MS : waited >= SETTLE_MS;
  }

  private becomeAlone(why: string): void {
    const { node } = this;
    node.options.log.warn(
      { why, undecided: node.records.pending.size },
      `cluster: this node is alone (${why}); it routes with the states it knows and sets states by itself`,
    );
    if (this.stage !== 'down') this.stageTo('in');
    node.enter('alone');
  }

  /** While alone with a connection: tests whether commits succeed again, then joins like a new node. */
  private rejoin(now: number): void {
    if (now - this.stageAt < 1000) return;
    this.stageAt = now;
    this.node.options.bus.status((status) => {
      if (typeof status !== 'object' || this.node.phase !== 'alone' || this.stage !== 'in') return;
      this.listeningAt = this.node.now;
      this.wait();
    });
  }

  /** Listens for a while before it reads the bucket, since many nodes may return at once. */
  private wait(): void {
    this.stageTo('waiting');
    this.stageAt =
      this.node.now + (this.everReady ? RETURN_WAIT_MS + (this.node.options.random.uint32() % RETURN_SPREAD_MS) : 0);
  }

  private open(): void {
    const { node } = this;
    node.options.bus.create((made) => {
      if (this.stage !== 'opening') return;
      if (!made) {
        node.options.clock.schedule(RETRY_MS, () => {
          if (this.stage === 'opening') this.open();
        });
        return;
      }
      node.store.inspectedAt = node.now;
      if (node.phase !== 'ready' && node.phase !== 'draining') {
        this.wait();
        return;
      }
      // The connection was lost only briefly: reads what was missed, and nothing else changes.
      this.stageTo('in');
      node.store.check((ok) => {
        if (ok) node.following.catchUp(() => node.records.pump());
      });
    });
  }

  private join(): void {
    const { node } = this;
    this.stageTo('reading');
    const retry = () => {
      if (this.stage === 'reading') {
        this.stageTo('waiting');
        this.stageAt = node.now + RETRY_MS;
      }
    };
    node.options.bus.create((made) => {
      if (this.stage !== 'reading') return;
      if (!made) return retry();
      node.store.check((ok) => {
        if (this.stage !== 'reading') return;
        if (!ok) return retry();
        node.following.catchUp((whole) => {
          if (this.stage !== 'reading') return;
          if (!whole) return retry();
          this.stageTo('settling');
        });
      });
    });
  }

  private settle(): void {
    const { node } = this;
    const { twin, others } = node.membership;
    // Nodes that do not know this bucket yet may have records that it has lost.
    const elsewhere = [...others.values()].some(({ gen }) => gen !== '' && gen !== node.store.generation);
    if (elsewhere && node.now - this.stageAt < ELSEWHERE_MS) return;
    if (twin !== undefined && twin.at > node.now - 2 * SETTLE_MS) {
      this.refuse();
      return;
    }
    node.writeMember();
    node.records.holdAll();
    this.stageTo('resolving');
    this.resolve();
  }

  /** Settles some of the decisions made alone at each tick; then the node is ready. */
  private resolve(): void {
    const { node } = this;
    if (!this.returning()) return;
    this.stageTo('in');
    if (this.everReady) node.counters.rejoins++;
    this.everReady = true;
    node.enter(node.draining ? 'draining' : 'ready');
    node.beat();
    node.records.pump();
  }

  private refuse(): void {
    const { node: name, log } = this.node.options;
    this.refused = `another node is named ${name}`;
    log.error({ node: name }, `cluster: another node is named ${name}; this node does not join and routes alone`);
    this.node.enter('alone');
  }

  private stageTo(stage: Stage): void {
    this.stage = stage;
    this.stageAt = this.node.now;
  }
}
