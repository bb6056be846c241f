import type { Clock } from '../core/clock.js';
import type { ClusterBus, Stored } from './bus.js';

/**
 * Maximum number of keys of one kind (first letter), and longest text: whoever may write to the bucket could invent
 * them.
 */
const MAX_KEYS = 10_000;
const MAX_TEXT = 1024 * 1024;
/** Attempts to write a change before it is given up. */
const MAX_TRIES = 8;

/**
 * The keys of the bucket other than records of destinations: their last known values, and changes by compare-and-set.
 */
export class Values {
  private readonly known = new Map<string, Stored>();
  /** Number of keys by kind. */
  private readonly counts = new Map<string, number>();

  constructor(
    private readonly bus: ClusterBus,
    private readonly clock: Clock,
    private readonly changed: (key: string, text: string) => void,
  ) {}

  /** The value of a key; undefined when it was never written or was removed. */
  get(key: string): string | undefined {
    const text = this.known.get(key)?.text;
    return text === '' ? undefined : text;
  }

  /** All keys with a prefix, and their texts. */
  *under(prefix: string): Generator<readonly [key: string, text: string]> {
    for (const [key, { text }] of this.known) if (key.startsWith(prefix) && text !== '') yield [key, text];
  }

  /**
   * Stores a value that was read, unless a later revision is known; an empty text means removed. `own`: this node
   * writes it.
   */
  accept(key: string, revision: number, text: string, own = false): void {
    if (revision <= (this.known.get(key)?.revision ?? 0)) return;
    const isNew = !this.known.has(key);
    const kind = key[0] ?? '';
    const count = this.counts.get(kind) ?? 0;
    if (!own && (text.length > MAX_TEXT || (isNew && count >= MAX_KEYS))) return;
    if (isNew) this.counts.set(kind, count + 1);
    this.known.set(key, { revision, text });
    this.changed(key, text);
  }

  /** The bucket was recreated; the texts are kept until the new ones are known. */
  forgetRevisions(): void {
    for (const [key, { text }] of this.known) this.known.set(key, { revision: 0, text });
  }

  /**
   * Changes a value. `change` gets the current text ('' for none) and returns the new one, or undefined to leave it; it
   * is called again when another node was faster. `done`: whether the value was written or left.
   */
  update(
    key: string,
    change: (text: string) => string | undefined,
    done: (outcome: 'written' | 'left' | 'failed') => void = () => {},
    tries = 0,
  ): void {
    const { revision, text } = this.known.get(key) ?? { revision: 0, text: '' };
    const wanted = change(text);
    if (wanted === undefined || wanted === text) {
      done('left');
      return;
    }
    this.bus.commit(key, wanted, revision, (outcome) => {
      if (outcome.kind === 'done') {
        this.accept(key, outcome.revision, wanted, true);
        done('written');
        return;
      }
      if (tries >= MAX_TRIES) {
        done('failed');
        return;
      }
      const again = () => {
        this.bus.get(key, (value) => {
          if (value === 'failed') {
            done('failed');
            return;
          }
          if (value !== 'none') this.accept(key, value.revision, value.text, true);
          else if (revision > 0) this.known.set(key, { revision: 0, text });
          this.update(key, change, done, tries + 1);
        });
      };
      if (outcome.kind === 'conflict') again();
      else if (tries >= 2) done('failed');
      else this.clock.schedule(200, again);
    });
  }
}
