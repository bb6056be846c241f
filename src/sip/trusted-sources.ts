/** A set of addresses. */
export interface AddressSet {
  has(address: string): boolean;
}

/**
 * The sources without limits (`limits.trusted_sources`). All limits share this object, so that a change of the settings
 * reaches all of them.
 */
export class TrustedSources implements AddressSet {
  constructor(private set: AddressSet | undefined = undefined) {}

  /** Whether an address is in the set. */
  has(address: string): boolean {
    return this.set?.has(address) === true;
  }

  /** Replaces the set. */
  replace(set: AddressSet): void {
    this.set = set;
  }
}
