import type { ClusterNode } from './node.js';
import { ownerOf } from './ownership.js';

/** Who holds a sharing tag. */
interface Holding {
  readonly active: string;
  /** Incremented each time the tag is taken. */
  readonly n: number;
  /** How it was taken: "mi" or "auto". */
  readonly by: string;
}

/** Maximum number of tags, since anybody may create one by a command. */
const MAX_TAGS = 256;

/**
 * Sharing tags. For each tag one node is active and the others are backups. A node takes a tag by a command, which
 * always succeeds, or automatically when its holder is dead and the settings allow it.
 */
export class Tags {
  /** Tags taken while no other node was reachable; settled at the return, by `n`. */
  private readonly claims = new Map<string, Holding>();
  private readonly taking = new Set<string>();
  private readonly listeners: ((tag: string, active: boolean) => void)[] = [];
  private readonly states = new Map<string, boolean>();

  constructor(private readonly node: ClusterNode) {
    node.owners.holder = (tag) => this.holder(tag);
    node.owners.ownTags = () => this.names().filter((tag) => this.isActive(tag));
    node.onValue((key) => {
      if (!key.startsWith('t.')) return;
      this.look();
      node.ownershipMoved();
    });
    node.onPhase((phase) => {
      if (phase === 'ready') this.settleClaims();
      this.look();
    });
    node.onTick(() => this.takeOver());
  }

  /** Calls `listen` when a tag becomes active or backup at this node. */
  onChange(listen: (tag: string, active: boolean) => void): void {
    this.listeners.push(listen);
  }

  /** Tags from the settings, and those that were taken. */
  names(): string[] {
    const { settings } = this.node.options;
    const names = new Set([
      ...settings.tags.keys(),
      ...(settings.sharingTag === undefined ? [] : [settings.sharingTag]),
    ]);
    for (const [key] of this.node.values.under('t.')) names.add(key.slice(2));
    return [...names].sort();
  }

  /** Name of the node where a tag is active. */
  holder(tag: string): string | undefined {
    return this.holding(tag)?.active;
  }

  /** Whether a tag is active at this node; never while it joins. */
  isActive(tag: string): boolean {
    return this.node.phase !== 'joining' && this.holder(tag) === this.node.name;
  }

  /** Makes this node the holder, whoever held the tag; `done`: whether the others know. */
  take(tag: string, by: string, done: (shared: boolean) => void): void {
    const { node } = this;
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(tag) || this.names().length >= MAX_TAGS) {
      done(false);
      return;
    }
    if (!node.isIn || !node.options.bus.connected) {
      this.claims.set(tag, { active: node.name, n: (this.holding(tag)?.n ?? 0) + 1, by });
      this.look();
      node.ownershipMoved();
      done(false);
      return;
    }
    this.write(tag, by, () => true, done);
  }

  private holding(tag: string): Holding | undefined {
    const known = parseHolding(this.node.values.get(`t.${tag}`));
    const claim = this.claims.get(tag);
    return claim !== undefined && (known === undefined || claim.n > known.n) ? claim : known;
  }

  private write(
    tag: string,
    by: string,
    may: (now: Holding | undefined) => boolean,
    done: (ok: boolean) => void,
  ): void {
    const { node } = this;
    const least = this.claims.get(tag)?.n ?? 0;
    node.values.update(
      `t.${tag}`,
      (text) => {
        const now = parseHolding(text);
        if (!may(now)) return undefined;
        // The last number that can be written exactly stays: another node may have sent it.
        const n = Math.min(Math.max(least, (now?.n ?? 0) + 1), Number.MAX_SAFE_INTEGER);
        return JSON.stringify({ active: node.name, inc: node.inc, n, by } satisfies Holding & { inc: string });
      },
      (outcome) => {
        if (outcome === 'written') this.claims.delete(tag);
        done(outcome === 'written');
      },
    );
  }

  /** A tag taken while alone remains if no other node has taken it later. */
  private settleClaims(): void {
    for (const [tag, claim] of this.claims) {
      this.write(
        tag,
        claim.by,
        (now) => now === undefined || now.n < claim.n,
        () => {
          this.claims.delete(tag);
          this.look();
          this.node.ownershipMoved();
        },
      );
    }
  }

  private takeOver(): void {
    const { node } = this;
    if (node.phase !== 'ready' || !node.isOpen) return;
    for (const [tag, { prefer, auto }] of node.options.settings.tags) {
      if (this.taking.has(tag)) continue;
      const holding = this.holding(tag);
      const dead = holding !== undefined && holding.active !== node.name && !node.membership.others.has(holding.active);
      const free = holding === undefined && (auto || prefer.length > 0);
      if (!(free || (dead && auto)) || this.next(tag, prefer, free && !auto) !== node.name) continue;
      this.taking.add(tag);
      const was = holding?.n;
      this.write(
        tag,
        'auto',
        (now) => now?.n === was,
        () => this.taking.delete(tag),
      );
    }
  }

  /**
   * The node that is to take a free tag: the first preferred one that is ready, else the one chosen by rendezvous
   * hashing.
   */
  private next(tag: string, prefer: readonly string[], only: boolean): string | undefined {
    const { node } = this;
    const ready = new Set([node.name]);
    for (const { name, phase } of node.membership.others.values()) if (phase === 'ready') ready.add(name);
    const first = prefer.find((name) => ready.has(name));
    if (first !== undefined || only) return first;
    return ownerOf(
      tag,
      [...ready].map((name) => ({ name, weight: 1 })),
    );
  }

  private look(): void {
    for (const tag of this.names()) {
      const active = this.isActive(tag);
      if ((this.states.get(tag) ?? false) === active) continue;
      this.states.set(tag, active);
      this.node.options.log.info(
        { tag, active },
        `cluster: sharing tag ${tag} is ${active ? 'active' : 'backup'} here`,
      );
      for (const listen of this.listeners) listen(tag, active);
    }
  }
}

function parseHolding(text: string | undefined): Holding | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const { active, n, by } = JSON.parse(text) as Partial<Holding>;
    if (typeof active !== 'string' || !Number.isSafeInteger(n)) return undefined;
    return { active, n: n as number, by: typeof by === 'string' ? by : '' };
  } catch {
    return undefined;
  }
}
