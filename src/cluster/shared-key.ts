/** Where this process keeps the key for dialog tokens. */
export interface KeyHolder {
  /** The key in use; undefined if the settings give a secret, as they then do on all nodes. */
  readonly own: string | undefined;
  /** Uses another key and stores it; tokens with the earlier key are still accepted. */
  adopt(key: string): void;
}

/** The parts of a node that this file uses. */
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
 * A key for dialog tokens that all nodes share by the bucket, so that each recognises requests inside dialogs that
 * another one began. The first ready node provides its key; the others take it. A node whose settings give a secret
 * does neither.
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
