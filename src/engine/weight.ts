import type { Destination, Health } from './destination.js';

/** Largest weight, as the tables have it. */
export const MAX_WEIGHT = 2 ** 31 - 1;

/** The effective weight: the one set at run time, else the row's. */
export function weightOf({ health, row }: Destination): number {
  return health.weight ?? row.weight;
}

/**
 * Sets the weight at run time; undefined removes it. Compiled sets notice by the versions, and sum their weights again
 * when they are next used. Returns whether it changed.
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
