/** The key of dialog tokens as this process keeps it. */
export interface KeyHolder {
  /** The key in use; undefined where the settings give a secret, which all nodes then have from there. */
  readonly own: string | undefined;
  /** Takes another key into use and keeps it; tokens of the earlier one stay accepted. */
  adopt(key: string): void;
}

/** What of a node the common key needs. */
export interface KeyedNode {
  readonly values: {
    update(key: string, change: (text: string) => string | undefined): void;
  };
  onPhase(listen: (phase: string) => void): void;
  onValue(listen: (key: string, text: string) => void): void;
}

/** Key of the bucket. */
const NAME = 'k';
const MAX_KEY = 512;
const MIN_KEY = 16;

/**
 * One key of dialog tokens for all nodes, in the bucket: a request inside a dialog that one node began is recognised by
 * each. The first node that is ready gives its own; the others take it. A node whose settings give a secret does neither.
 */
export class SharedKey {
  constructor(
    private readonly node: KeyedNode,
    private readonly holder: KeyHolder,
  ) {
    node.onValue((name, text) => {
      if (name === NAME) this.take(text);
    });
    node.onPhase((phase) => {
      if (phase === 'ready') this.offer();
    });
  }

  private offer(): void {
    const { own } = this.holder;
    if (own === undefined) return;
    this.node.values.update(NAME, (there) => (keyOf(there) === undefined ? JSON.stringify({ key: own }) : undefined));
  }

  private take(text: string): void {
    const key = keyOf(text);
    if (key !== undefined && this.holder.own !== undefined && this.holder.own !== key) this.holder.adopt(key);
  }
}

function keyOf(text: string): string | undefined {
  if (text === '' || text.length > 2 * MAX_KEY) return undefined;
  try {
    const key = (JSON.parse(text) as { key?: unknown } | null)?.key;
    return typeof key === 'string' && key.length >= MIN_KEY && key.length <= MAX_KEY ? key : undefined;
  } catch {
    return undefined;
  }
}
