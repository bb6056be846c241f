/** Freezes a value and everything in it, including entries of maps, and returns it. */
export function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  if (value instanceof Map) {
    for (const [key, each] of value) {
      deepFreeze(key);
      deepFreeze(each);
    }
    // Object.freeze does not freeze the entries of a Map.
    for (const method of ['set', 'delete', 'clear'] as const) {
      Object.defineProperty(value, method, { value: refuse, enumerable: false });
    }
  }
  Object.freeze(value);
  for (const key of Reflect.ownKeys(value)) deepFreeze((value as Record<PropertyKey, unknown>)[key]);
  return value;
}

function refuse(): never {
  throw new TypeError('settings are read-only');
}
