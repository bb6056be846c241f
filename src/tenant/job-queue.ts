/**
 * Runs jobs one after the other, each after all that were asked for before it. A job that has not begun yet is shared by
 * those who ask for the same meanwhile, so that a burst of requests becomes one run, which sees data as of after each of
 * them.
 */
export class JobQueue {
  private tail: Promise<unknown> = Promise.resolve();
  private readonly waiting = new Map<string, Promise<unknown>>();

  /**
   * `key` names what is done and with which options: jobs of one key must have the same result. undefined: never
   * shared.
   */
  run<T>(key: string | undefined, job: () => Promise<T>): Promise<T> {
    const same = key === undefined ? undefined : this.waiting.get(key);
    if (same !== undefined) return same as Promise<T>;
    const promise = this.tail.then(() => {
      if (key !== undefined) this.waiting.delete(key);
      return job();
    });
    if (key !== undefined) this.waiting.set(key, promise);
    this.tail = promise.catch(() => {});
    return promise;
  }

  /** Resolves when all jobs queued so far have ended, with or without an error. */
  async idle(): Promise<void> {
    await this.tail;
  }
}
