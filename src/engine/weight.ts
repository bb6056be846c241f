import type { Destination, Health } from './destination.js';

/** Largest weight, as the tables have it. */
export const MAX_WEIGHT = 2 ** 31 - 1;

/** The weight that counts: the one told at run time, else the row's. */
export function weightOf({ health, row }: Destination): number {
  return health.weight ?? row.weight;
}

/**
 * Writes the weight told at run time; undefined takes it away. Compiled sets notice by the versions, and sum their weights
 * again when they are next asked. Returns whether it is another one.
 */
export function tellWeight(health: Health, weight: number | undefined): boolean {
  if (health.weight === weight) return false;
  health.weight = weight;
  const { availability } = health;
  if (availability !== undefined) {
    availability.weights = (availability.weights ?? 0) + 1;
    availability.version++;
  }
  return true;
}
