import type { Binding } from './contact.js';

/**
 * How contacts without an instance are matched (`matching_mode` of usrloc): 0 by URI, 1 by URI and Call-ID, 2 by URI
 * and Path, 3 by Call-ID.
 */
export type MatchingMode = 0 | 1 | 2 | 3;

/**
 * The contact that a registration renews; undefined for a new one. As recorded, a contact with an instance renews the
 * one with the same instance and reg-id, whatever its URI; one without may renew any with its URI.
 */
export function renewed(list: readonly Binding[], made: Binding, mode: MatchingMode): Binding | undefined {
  const { uri, instance, regId, callId, path } = made;
  if (instance !== undefined) return list.find((each) => each.instance === instance && each.regId === regId);
  return list.find(
    (each) =>
      (mode === 3 || each.uri === uri) &&
      ((mode !== 1 && mode !== 3) || each.callId === callId) &&
      (mode !== 2 || each.path === path),
  );
}

/** The contact as renewed; without an instance of its own it keeps the instance of the old one. */
export function renewal(old: Binding, made: Binding): Binding {
  const { instance, regId } = made.instance === undefined ? old : made;
  return { ...made, ruid: old.ruid, instance, regId };
}

/**
 * Contacts to remove when a contact with an instance is renewed: as recorded, those of the same instance with another
 * Call-ID, since the device has restarted.
 */
export function outlived(list: readonly Binding[], { instance, callId, ruid }: Binding): Binding[] {
  if (instance === undefined) return [];
  return list.filter((each) => each.instance === instance && each.callId !== callId && each.ruid !== ruid);
}
