import { trimmed } from '../../core/characters.js';
import { ProcessCounts } from '../../core/process-counts.js';
import type { SharedValues } from '../../core/shared-values.js';
import type { Dialog } from './dialog.js';

/** The dialogs of a profile that have the same value. */
interface Members {
  /** How often each dialog was added. */
  readonly times: Map<Dialog, number>;
  total: number;
}

interface Profile {
  readonly withValue: boolean;
  total: number;
  readonly values: Map<string, Members>;
}

/** Maximum number of entries in profiles of a dialog that is added again. */
const MAX_ENTRIES = 64;

/**
 * Named groups of dialogs, optionally divided by a value; scripts use them to limit the calls of a customer, for
 * example.
 */
export class Profiles {
  private readonly profiles = new Map<string, Profile>();
  /** Shared numbers, when other processes have dialogs too. */
  private counts: ProcessCounts | undefined = undefined;

  /** In a copy: the number of dialogs in other processes. */
  private elsewhere: ((name: string, value: string | undefined) => number) | undefined = undefined;

  /** From now on sizes are those of all processes. Must be called before there are dialogs. */
  share(values: SharedValues): void {
    this.counts ??= new ProcessCounts(values);
  }

  /** Defines profiles from module parameters: "name" or "name ; name2"; suffixes for a cluster ("/b") are ignored. */
  define(withValue: readonly string[], without: readonly string[]): void {
    for (const [texts, has] of [
      [withValue, true],
      [without, false],
    ] as const) {
      for (const text of texts) {
        for (const each of text.split(';')) {
          const name = trimmed(each).replace(/\/[sb]$/, '');
          if (name !== '' && !this.profiles.has(name))
            this.profiles.set(name, { withValue: has, total: 0, values: new Map() });
        }
      }
    }
  }

  /** A copy with the same dialogs; changing it does not change the dialogs. */
  copy(): Profiles {
    const copy = new Profiles();
    for (const [name, { withValue, total, values }] of this.profiles) {
      const members = new Map(
        [...values].map(
          ([value, dialogs]) => [value, { times: new Map(dialogs.times), total: dialogs.total }] as const,
        ),
      );
      copy.profiles.set(name, { withValue, total, values: members });
    }
    if (this.counts !== undefined) {
      copy.elsewhere = (name, value) => (this.size(name, value) ?? 0) - (this.ownSize(name, value) ?? 0);
    }
    return copy;
  }

  /** Whether a profile is defined. */
  has(name: string): boolean {
    return this.profiles.has(name);
  }

  /**
   * Adds a dialog to a profile. False when the profile is not defined, or needs a value and none is given. `again`: a
   * dialog that is in it counts once more, as recorded of Kamailio.
   */
  add(dialog: Dialog, name: string, value: string | undefined, again = false): boolean {
    const profile = this.profiles.get(name);
    if (profile === undefined || (profile.withValue && value === undefined)) return false;
    const key = profile.withValue ? (value ?? '') : '';
    let dialogs = profile.values.get(key);
    if (dialogs === undefined) {
      dialogs = { times: new Map(), total: 0 };
      profile.values.set(key, dialogs);
    }
    const times = dialogs.times.get(dialog) ?? 0;
    if (times > 0 && (!again || dialog.profiles.length >= MAX_ENTRIES)) return true;
    dialogs.times.set(dialog, times + 1);
    dialogs.total++;
    profile.total++;
    this.count(name, key, profile, 1);
    dialog.profiles.push({ name, value: key });
    return true;
  }

  /** Removes a dialog from a profile; false when it was not in it. Without `value` any value matches. */
  remove(dialog: Dialog, name: string, value: string | undefined): boolean {
    const at = dialog.profiles.findIndex(
      (each) => each.name === name && (value === undefined || !this.hasValues(name) || each.value === value),
    );
    const entry = dialog.profiles[at];
    if (entry === undefined) return false;
    dialog.profiles.splice(at, 1);
    this.take(dialog, entry.name, entry.value);
    return true;
  }

  /** Removes a dialog from a profile with all its values; false when it was not in it. */
  removeAll(dialog: Dialog, name: string): boolean {
    let removed = false;
    while (this.remove(dialog, name, undefined)) removed = true;
    return removed;
  }

  /** The dialog has ended: removes it from all profiles. */
  leave(dialog: Dialog): void {
    for (const { name, value } of dialog.profiles) this.take(dialog, name, value);
    dialog.profiles.length = 0;
  }

  /** Whether a dialog is in a profile. Without `value` any value matches. */
  includes(dialog: Dialog, name: string, value: string | undefined): boolean {
    return dialog.profiles.some(
      (each) => each.name === name && (value === undefined || !this.hasValues(name) || each.value === value),
    );
  }

  /** Number of dialogs in a profile, or with one of its values; undefined for an undefined profile. */
  size(name: string, value?: string): number | undefined {
    const profile = this.profiles.get(name);
    if (profile === undefined) return undefined;
    if (this.counts !== undefined)
      return this.counts.total(value === undefined || !profile.withValue ? ofAll(name) : ofValue(name, value));
    return (this.ownSize(name, value) ?? 0) + (this.elsewhere?.(name, value) ?? 0);
  }

  private ownSize(name: string, value: string | undefined): number | undefined {
    const profile = this.profiles.get(name);
    return value === undefined || profile?.withValue !== true
      ? profile?.total
      : (profile.values.get(value)?.total ?? 0);
  }

  /** The dialogs in a profile, or with one of its values. */
  *members(name: string, value?: string): Generator<Dialog> {
    for (const [key, dialogs] of this.profiles.get(name)?.values ?? [])
      if (value === undefined || value === key) yield* dialogs.times.keys();
  }

  /** The values of a profile, with the number of dialogs for each. */
  values(name: string): readonly (readonly [value: string, count: number])[] {
    return [...(this.profiles.get(name)?.values ?? [])].map(([value, dialogs]) => [value, dialogs.total]);
  }

  /** All profiles, with the number of their dialogs. */
  list(): readonly { readonly name: string; readonly withValue: boolean; readonly total: number }[] {
    return [...this.profiles].map(([name, { withValue, total }]) => ({ name, withValue, total }));
  }

  /** Whether a profile is divided by values. */
  hasValues(name: string): boolean {
    return this.profiles.get(name)?.withValue === true;
  }

  private count(name: string, value: string, { withValue }: Profile, by: number): void {
    this.counts?.add(ofAll(name), by);
    if (withValue) this.counts?.add(ofValue(name, value), by);
  }

  private take(dialog: Dialog, name: string, value: string): void {
    const profile = this.profiles.get(name);
    const dialogs = profile?.values.get(value);
    const times = dialogs?.times.get(dialog);
    if (profile === undefined || dialogs === undefined || times === undefined) return;
    if (times > 1) dialogs.times.set(dialog, times - 1);
    else dialogs.times.delete(dialog);
    dialogs.total--;
    profile.total--;
    this.count(name, value, profile, -1);
    if (dialogs.total === 0) profile.values.delete(value);
  }
}

function ofAll(name: string): string {
  return `profile ${name}`;
}

/** The line break separates name and value, since a name cannot contain one. */
function ofValue(name: string, value: string): string {
  return `profile ${name}\n${value}`;
}
