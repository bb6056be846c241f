import type { Clock } from '../core/clock.js';
import type { ClusterBus, Stored } from './bus.js';

/** Attempts of one change before it is given up. */
const MAX_TRIES = 8;

/** The few keys of the bucket that are not records of destinations: as last known, and changed by compare-and-set. */
export class Values {
  private readonly known = new Map<string, Stored>();

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

  /** Keys that begin so, with their texts. */
  *under(prefix: string): Generator<readonly [key: string, text: string]> {
    for (const [key, { text }] of this.known) if (key.startsWith(prefix) && text !== '') yield [key, text];
  }

  /** Takes over what was read, unless a later revision is known; an empty text stands for a removed value. */
  accept(key: string, revision: number, text: string): void {
    if (revision <= (this.known.get(key)?.revision ?? 0)) return;
    this.known.set(key, { revision, text });
    this.changed(key, text);
  }

  /** The bucket was made anew; texts are kept until the new ones are known. */
  forgetRevisions(): void {
    for (const [key, { text }] of this.known) this.known.set(key, { revision: 0, text });
  }

  /**
   * Changes a value: `change` gets what is there ('' for nothing) and returns what shall be, or undefined to leave it. It
   * is asked again when somebody else was faster. `done`: whether it was written, or left as it was.
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
        this.accept(key, outcome.revision, wanted);
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
          if (value !== 'none') this.accept(key, value.revision, value.text);
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
