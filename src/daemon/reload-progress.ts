import type { SettingsProgress } from '../management/mi/dependencies.js';

/** The progress of a reload of the settings; only one runs at a time. */
export class ReloadProgress {
  private running: { began: number; step: SettingsProgress['step']; done: number; total: number } | undefined;

  /** @param now monotonic milliseconds */
  constructor(private readonly now: () => number) {}

  /** undefined: no reload runs. */
  get current(): SettingsProgress | undefined {
    const { running } = this;
    if (running === undefined) return undefined;
    const { began, step, done, total } = running;
    return { step, done, total, seconds: Math.round((this.now() - began) / 100) / 10 };
  }

  /** Runs a reload. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.running = { began: this.now(), step: 'check', done: 0, total: 0 };
    try {
      return await work();
    } finally {
      this.running = undefined;
    }
  }

  /** Does `work` for all `things` at once, as one step of the reload. */
  async each<T>(
    step: SettingsProgress['step'],
    things: readonly T[],
    work: (thing: T) => Promise<unknown>,
  ): Promise<void> {
    const { running } = this;
    if (running !== undefined) Object.assign(running, { step, done: 0, total: things.length });
    await Promise.all(
      things.map(async (thing) => {
        await work(thing);
        if (running !== undefined && this.running === running) running.done++;
      }),
    );
  }
}
