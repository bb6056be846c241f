import { readdirSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { nearest } from '../core/nearest.js';
import { ownValue } from '../core/own-value.js';
import type { Json } from './json-source.js';
import { parsePartitionString } from './partition-string.js';
import { listOf, type RawSettings } from './raw.js';
import { type Findings, inside, keysWritten, type Location, soundPart } from './reading.js';
import { compileSchema } from './schema.js';
import { displayName, type ReadJson, type ReadOptions, readSource } from './source.js';

/** A value for a partition, and where it was written. */
export interface Located {
  readonly value: unknown;
  readonly location: Location;
}

/** Everything written about one partition, before inheritance. */
export interface PartitionDefinition {
  readonly name: string;
  /** Where the partition was first named. */
  readonly location: Location;
  readonly kind: 'modparam' | 'string' | 'object';
  readonly values: Map<string, Located>;
  /** The keys that were written, including refused ones. */
  readonly given: Set<string>;
}

/** All definitions of partitions. */
export interface Definitions {
  readonly partitions: ReadonlyMap<string, PartitionDefinition>;
  /** The target of "default: NAME" or of the key "default". */
  readonly redirect: { readonly target: string; readonly location: Location } | undefined;
  /** Whether the name of some definition could not be read. */
  readonly lost: boolean;
}

/** Parameters which, when set by modparam, create the default partition (module document, section 1.1). */
const SPECIFIC = [
  'db_url',
  'table_name',
  'dst_avp',
  'grp_avp',
  'cnt_avp',
  'sock_avp',
  'attrs_avp',
  'ds_define_blacklist',
];

/** Other spellings that occur in configurations. */
const ALIASES: Readonly<Record<string, string>> = { script_attrs: 'script_attrs_avp' };

/** Collects all partitions from module parameters, partition strings, files and inline objects. */
export function collectDefinitions(
  source: ReadJson,
  raw: RawSettings,
  options: ReadOptions,
  findings: Findings,
): Definitions {
  const collector = new Collector(findings);
  const root: Location = { file: source.file, dir: source.dir, pointer: source.pointer };
  collector.fromModparam(raw.modparam, keysWritten(source, 'modparam'), inside(root, 'modparam'));
  for (const [index, text] of listOf(raw.modparam['partition'] as string | readonly (string | null)[] | undefined)) {
    collector.fromString(text, inside(root, 'modparam', 'partition', ...(index === undefined ? [] : [index])));
  }
  if (typeof raw.partitions === 'string') {
    collector.fromFolder(resolve(source.dir, raw.partitions), inside(root, 'partitions'), options);
  } else {
    for (const [index, each] of listOf(raw.partitions)) {
      const location = inside(root, 'partitions', index ?? 0);
      if (typeof each === 'string') collector.fromFile(resolve(source.dir, each), options);
      else collector.fromObject(each as Record<string, Json>, location, keysWritten(source, 'partitions', index ?? 0));
    }
  }
  if (raw.default !== undefined) collector.redirectTo(raw.default, inside(root, 'default'));
  const refused = Array.isArray(raw.partitions) && raw.partitions.includes(null);
  const dropped = keysWritten(source).includes('partitions') && raw.partitions === undefined;
  return { partitions: collector.partitions, redirect: collector.redirect, lost: collector.lost || refused || dropped };
}

class Collector {
  readonly partitions = new Map<string, PartitionDefinition>();
  redirect: Definitions['redirect'];
  lost = false;

  constructor(private readonly findings: Findings) {}

  fromModparam(modparam: RawSettings['modparam'], written: readonly string[], location: Location): void {
    const creating = SPECIFIC.filter((key) => written.includes(key));
    const { list_file: listFile, script_attrs_avp: scriptAttrs } = modparam;
    if (creating.length === 0 && listFile === undefined) return;
    const definition = this.define('default', inside(location, creating[0] ?? 'list_file'), 'modparam');
    for (const key of creating) {
      definition.given.add(key);
      if (modparam[key] !== undefined) this.put(definition, key, modparam[key], inside(location, key));
    }
    if (scriptAttrs !== undefined) {
      this.put(definition, 'script_attrs_avp', scriptAttrs, inside(location, 'script_attrs_avp'));
    }
    if (listFile === undefined) return;
    const at = inside(location, 'list_file');
    if (definition.given.has('db_url'))
      this.findings.refuse(at, 'db_url is set as well: only one of the two can be used');
    else this.put(definition, 'db_url', `list:${listFile}`, at);
  }

  fromString(text: string, location: Location): void {
    const parsed = this.findings.attempt(location, () => parsePartitionString(text));
    if (parsed === undefined) {
      this.lost = true;
      return;
    }
    if (parsed.kind === 'redirect') {
      this.redirectTo(parsed.target, location);
      return;
    }
    const known = this.partitions.get(parsed.name);
    if (known?.kind === 'object') {
      this.duplicate(parsed.name, known, location);
      return;
    }
    const definition = known ?? this.define(parsed.name, location, 'string');
    const object: Record<string, unknown> = {};
    for (const [written, value] of parsed.params) {
      const key = ownValue(ALIASES, written) ?? written;
      if (key === 'name') {
        this.findings.refuse(location, 'parameter "name": the name of a partition comes before the ":"');
      } else if (key === 'ds_define_blacklist') {
        object[key] = [...((object[key] as string[] | undefined) ?? []), value];
      } else if (Object.hasOwn(object, key)) {
        this.findings.refuse(location, `parameter "${key}" of partition "${parsed.name}" is set twice`);
      } else {
        object[key] = value;
      }
      definition.given.add(key);
    }
    const bad = new Set<string>();
    for (const fault of compileSchema('partition').faults({ name: parsed.name, ...object })) {
      const key = fault.pointer.split('/')[1] ?? '';
      bad.add(key);
      const reason =
        fault.unknownKey === undefined
          ? `parameter "${key}" of partition "${parsed.name}": ${fault.reason}`
          : `partition "${parsed.name}": unknown parameter "${key}"`;
      this.findings.refuse(location, reason, fault.suggestion);
    }
    for (const [key, value] of Object.entries(object)) if (!bad.has(key)) this.put(definition, key, value, location);
  }

  fromFolder(folder: string, location: Location, options: ReadOptions): void {
    let names: string[];
    try {
      if (!statSync(folder).isDirectory()) {
        this.lost = true;
        this.findings.refuse(location, 'is not a folder; files must be in a list: ["./acme.json"]');
        return;
      }
      names = readdirSync(folder);
    } catch {
      this.lost = true;
      this.findings.refuse(location, `folder "${displayName(folder, options.cwd ?? process.cwd())}" cannot be read`);
      return;
    }
    const files = names.filter((name) => name.endsWith('.json') && !name.startsWith('.')).sort();
    // An empty folder may get partitions later. But other files in it were probably meant to be read.
    const others = names.filter((name) => !name.startsWith('.'));
    if (files.length === 0 && others.length > 0) this.findings.warn(location, 'the folder has no *.json file');
    for (const name of files) this.fromFile(resolve(folder, name), options);
  }

  fromFile(path: string, options: ReadOptions): void {
    const source = readSource(path, options, this.findings.problems);
    if (source === undefined) {
      this.lost = true;
      return;
    }
    if (source.value === null || typeof source.value !== 'object' || Array.isArray(source.value)) {
      this.lost = true;
      this.findings.refuse(source, 'must be an object with the keys of one partition');
      return;
    }
    const sound = soundPart(source, 'partition', this.findings) as Record<string, Json>;
    this.fromObject(sound, { file: source.file, dir: source.dir, pointer: '' }, Object.keys(source.value));
  }

  /** `object` has only valid values; it is skipped if it has no valid name. */
  fromObject(object: Readonly<Record<string, Json>>, location: Location, given: readonly string[]): void {
    const name = object['name'];
    if (typeof name !== 'string') {
      this.lost = true;
      return;
    }
    const known = this.partitions.get(name);
    if (known !== undefined && known.kind !== 'modparam') {
      this.duplicate(name, known, inside(location, 'name'));
      return;
    }
    const definition = known ?? this.define(name, location, 'object');
    // Module parameters modify the default partition; if a file defines it too, the file counts as its source.
    if (known) this.partitions.set(name, { ...known, location, kind: 'object' });
    for (const key of given) definition.given.add(key);
    for (const [key, value] of Object.entries(object)) {
      if (key !== '$schema' && key !== 'name') this.put(definition, key, value, inside(location, key));
    }
  }

  redirectTo(target: string, location: Location): void {
    if (this.redirect !== undefined && this.redirect.target !== target) {
      const { location: first, target: other } = this.redirect;
      this.findings.refuse(location, `the default partition is already "${other}" (${first.file}#${first.pointer})`);
      return;
    }
    this.redirect ??= { target, location };
  }

  private define(name: string, location: Location, kind: PartitionDefinition['kind']): PartitionDefinition {
    // Many programs that read our JSON would lose a key with this name.
    if (name === '__proto__') this.findings.refuse(location, 'a partition cannot have the name "__proto__"');
    const definition = { name, location, kind, values: new Map(), given: new Set<string>() };
    this.partitions.set(name, definition);
    return definition;
  }

  private put(definition: PartitionDefinition, key: string, value: unknown, location: Location): void {
    const known = definition.values.get(key);
    if (known !== undefined && key !== 'ds_define_blacklist') {
      const where = `${known.location.file}#${known.location.pointer}`;
      this.findings.refuse(location, `"${key}" of partition "${definition.name}" is already set in ${where}`);
      return;
    }
    definition.given.add(key);
    const merged = known === undefined ? value : [known.value, value].flat();
    definition.values.set(key, { value: merged, location });
  }

  private duplicate(name: string, known: PartitionDefinition, location: Location): void {
    const where = `${known.location.file}#${known.location.pointer}`;
    this.findings.refuse(location, `duplicate partition "${name}": it is already defined in ${where}`);
  }
}

/** The partition with a name; otherwise reports the problem at `location`. */
export function refuseUnknownPartition(
  name: string,
  known: Iterable<string>,
  location: Location,
  findings: Findings,
): void {
  findings.refuse(location, `unknown partition "${name}"`, nearest(name, known));
}
