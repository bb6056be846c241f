import type { Clock } from '../core/clock.js';

/** What a start waits for: `start` resolves when the first load has succeeded or failed. */
export interface FirstLoad {
  /** undefined: ready; else why it is not. */
  readonly notReady: string | undefined;
  /** Its rows have been read: it will be ready soon. */
  readonly isCompiling: boolean;
  start(): Promise<void>;
}

/** Milliseconds without another partition becoming ready after which a start waits no longer. */
const GRACE_MS = 200;

/**
 * Begins the first load of all partitions and resolves when calls can be taken: all loads have ended; or at least one
 * partition is ready, for a while no other became so and none is about to (a database that hangs must not hold up its
 * neighbours); at the latest after `most` milliseconds. Loads that have not ended go on.
 */
export function firstLoads(partitions: readonly FirstLoad[], clock: Clock, most: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = partitions.length;
    let cancelGrace = () => {};
    const cancelMost = clock.schedule(most, () => done());
    const done = (): void => {
      cancelGrace();
      cancelMost();
      resolve();
    };
    const ended = (partition: FirstLoad): void => {
      left--;
      if (left === 0) {
        done();
      } else if (partition.notReady === undefined) {
        cancelGrace();
        waitOn();
      }
    };
    const waitOn = (): void => {
      cancelGrace = clock.schedule(GRACE_MS, () => {
        if (partitions.some((each) => each.isCompiling)) waitOn();
        else done();
      });
    };
    if (left === 0) done();
    for (const partition of partitions) {
      partition.start().then(
        () => ended(partition),
        (error: unknown) => {
          cancelGrace();
          cancelMost();
          reject(error);
        },
      );
    }
  });
}
