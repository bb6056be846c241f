/**
 * What a module keeps for each call (or for each of whatever objects `owner` are), for as long as the call itself is
 * kept. The maps are weak: nothing has to be taken out when a call ends.
 */
export class PerCall<T, Owner extends object = object> {
  private readonly kept = new WeakMap<Owner, T>();

  constructor(private readonly create: () => T) {}

  /** What is kept for a call; made now when there is nothing yet. */
  of(owner: Owner): T {
    let value = this.kept.get(owner);
    if (value === undefined) {
      value = this.create();
      this.kept.set(owner, value);
    }
    return value;
  }

  /** What is kept for a call, if anything is. */
  known(owner: Owner): T | undefined {
    return this.kept.get(owner);
  }

  /** Replaces what is kept. */
  set(owner: Owner, value: T): void {
    this.kept.set(owner, value);
  }

  /** Forgets what is kept. */
  forget(owner: Owner): void {
    this.kept.delete(owner);
  }
}
