/** Whether an address is in a set. */
export interface AddressSet {
  has(address: string): boolean;
}

/**
 * The sources that the bounds on single sources do not hold (`limits.trusted_sources`). All bounds share one object: a
 * reload of the settings replaces its set, and no bound is left with the old one.
 */
export class TrustedSources implements AddressSet {
  constructor(private set: AddressSet | undefined = undefined) {}

  /** Whether an address is among them. */
  has(address: string): boolean {
    return this.set?.has(address) === true;
  }

  /** The addresses from now on. */
  replace(set: AddressSet): void {
    this.set = set;
  }
}
