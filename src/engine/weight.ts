import type { Destination, Health } from './destination.js';

/** Largest weight in tables. */
export const MAX_WEIGHT = 2 ** 31 - 1;

/** The weight in effect: the one set at run time, else that of the row. */
export function weightOf({ health, row }: Destination): number {
  return health.weight ?? row.weight;
}

/**
 * Sets the weight at run time; undefined removes it. Increments the versions, so that compiled sets recompute their
 * sums when next used. Returns whether the weight changed.
 */
export function setReportedWeight(health: Health, weight: number | undefined): boolean {
  if (health.weight === weight) return false;
  health.weight = weight;
  const { availability } = health;
  if (availability !== undefined) {
    availability.weights = (availability.weights ?? 0) + 1;
    availability.version++;
  }
  return true;
}
