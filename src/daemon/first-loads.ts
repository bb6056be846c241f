import type { Clock } from '../core/clock.js';

/** A partition to be loaded: `start` resolves when its first load has succeeded or failed. */
export interface FirstLoad {
  /** Why it is not ready; undefined: it is ready. */
  readonly notReady: string | undefined;
  /** Whether its rows have been read, so that it will be ready soon. */
  readonly isCompiling: boolean;
  start(): Promise<void>;
}

/** When no further partition becomes ready for so many milliseconds, the start stops waiting. */
const GRACE_MS = 200;

/**
 * Begins the first load of all partitions, and resolves when calls can be accepted: all loads have ended; or at least
 * one partition is ready, for GRACE_MS no other became ready and none is compiling (a database that hangs must not
 * delay the other partitions); at the latest after `max` milliseconds. The remaining loads continue.
 */
export function firstLoads(partitions: readonly FirstLoad[], clock: Clock, max: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = partitions.length;
    let cancelGrace = () => {};
    const cancelMost = clock.schedule(max, () => done());
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
