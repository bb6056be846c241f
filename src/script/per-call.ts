/**
 * Values that a module keeps for each call (or for other objects, as `Owner` says) as long as the call is in memory.
 * The map is weak, so nothing has to be removed when a call ends.
 */
export class PerCall<T, Owner extends object = object> {
  private readonly kept = new WeakMap<Owner, T>();

  constructor(private readonly create: () => T) {}

  /** The value for a call; created at the first access. */
  of(owner: Owner): T {
    let value = this.kept.get(owner);
    if (value === undefined) {
      value = this.create();
      this.kept.set(owner, value);
    }
    return value;
  }

  /** The value for a call, if there is one. */
  known(owner: Owner): T | undefined {
    return this.kept.get(owner);
  }

  /** Replaces the value. */
  set(owner: Owner, value: T): void {
    this.kept.set(owner, value);
  }

  /** Removes the value. */
  forget(owner: Owner): void {
    this.kept.delete(owner);
  }
}
