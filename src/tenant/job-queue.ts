/**
 * Runs jobs one after the other. A request for a job that is queued but not started joins it. So a burst of requests
 * needs one run only, and each gets data that was read after its request.
 */
export class JobQueue {
  private tail: Promise<unknown> = Promise.resolve();
  private readonly waiting = new Map<string, Promise<unknown>>();

  /** `key`: names the work and its options; jobs with the same key are joined. undefined: the job is never joined. */
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

  /** Resolves when all jobs queued so far have ended, successfully or not. */
  async idle(): Promise<void> {
    await this.tail;
  }
}
