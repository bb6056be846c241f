import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { SwitchyardError } from '../core/errors.js';
import { builtValidators, digestOf } from './built-validators.js';
import { type Fault, faultOf } from './schema-fault.js';

/** The part of a JSON Schema that this product's schemas use. */
export interface JsonSchema {
  readonly $id?: string;
  readonly $ref?: string;
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly deprecated?: boolean;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minimum?: number;
  readonly maximum?: number;
  /** What the value should have been, for messages: completes "expected ...". */
  readonly 'x-expected'?: string;
}

/** One compiled schema, ready to validate. */
export interface CompiledSchema {
  /** Stops at the first fault, so that hostile input cannot make it work for long. */
  accepts(value: unknown): boolean;
  /** Every fault of a value, in the order of the schema: for what operators write. */
  faults(value: unknown): readonly Fault[];
}

const SUFFIX = '.schema.json';
// The package root is two folders up from here, in src/ and in dist/ alike.
const FOLDER = fileURLToPath(new URL('../../schemas/', import.meta.url));

/** Where editors find a schema: a file URL into this installation, which holds wherever the settings file stands. */
export function schemaUrl(name: string): string {
  return pathToFileURL(join(FOLDER, name + SUFFIX)).href;
}

const documents = new Map<string, JsonSchema>();
const compiled = new Map<string, CompiledSchema>();
const engines = new Map<boolean, Ajv2020>();
const built = new Map<boolean, ReadonlyMap<string, ValidateFunction>>();

/** Names of all schemas: paths below schemas/ without ".schema.json". */
export function schemaNames(): readonly string[] {
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(SUFFIX))
    .map((path) => path.slice(0, -SUFFIX.length).replaceAll('\\', '/'))
    .sort();
}

/** The document of a schema. Throws SwitchyardError INTERNAL when there is none of that name. */
export function readSchema(name: string): JsonSchema {
  const known = documents.get(name);
  if (known) return known;
  let document: JsonSchema;
  try {
    document = JSON.parse(readFileSync(join(FOLDER, name + SUFFIX), 'utf8')) as JsonSchema;
  } catch (cause) {
    throw new SwitchyardError('INTERNAL', `schema "${name}" cannot be read`, { cause });
  }
  documents.set(name, document);
  return document;
}

/** Compiles a schema once; later calls return the same. Throws SwitchyardError INTERNAL when there is none of that name. */
export function compileSchema(name: string): CompiledSchema {
  const known = compiled.get(name);
  if (known) return known;
  readSchema(name);
  const schema: CompiledSchema = {
    accepts: (value) => validator(name, false)(value),
    faults(value) {
      const validate = validator(name, true);
      if (validate(value)) return [];
      return (validate.errors ?? []).map((error: ErrorObject) => faultOf(error)).filter((fault) => fault !== undefined);
    },
  };
  compiled.set(name, schema);
  return schema;
}

/** The default of a property, as its schema states it. */
export function defaultOf(name: string, ...keys: readonly string[]): unknown {
  let schema: JsonSchema | undefined = readSchema(name);
  for (const key of keys) {
    const property: JsonSchema | undefined = schema?.properties?.[key];
    schema = property?.$ref === undefined ? property : { ...referred(property), ...property };
  }
  return schema?.default;
}

/**
 * A copy of `value` with the defaults of its schema filled in, at every depth. Not done by ajv, which would fill them
 * in before it is known whether a value is to be inherited.
 */
export function withDefaults(schema: string | JsonSchema, value: unknown): unknown {
  const document = typeof schema === 'string' ? readSchema(schema) : schema;
  if (document.$ref !== undefined) return withDefaults(referred(document), value);
  if (Array.isArray(value)) return value.map((item) => (document.items ? withDefaults(document.items, item) : item));
  if (value === null || typeof value !== 'object') return value;
  const filled: Record<string, unknown> = { ...value };
  for (const [key, property] of Object.entries(document.properties ?? {})) {
    if (filled[key] === undefined && property.default !== undefined) filled[key] = structuredClone(property.default);
    if (filled[key] !== undefined) filled[key] = withDefaults(property, filled[key]);
  }
  return filled;
}

/** The schema a "$ref" to a sibling file names. */
export function referred(schema: JsonSchema): JsonSchema {
  return readSchema((schema.$ref ?? '').replace(SUFFIX, ''));
}

/** What validates a schema: as the build compiled it, else compiled now. */
function validator(name: string, allErrors: boolean): ValidateFunction {
  let known = built.get(allErrors);
  if (known === undefined) {
    known = builtValidators(allErrors, digest);
    built.set(allErrors, known);
  }
  const ready = known.get(name);
  if (ready !== undefined) return ready;
  let ajv = engines.get(allErrors);
  if (ajv === undefined) engines.set(allErrors, (ajv = engine(allErrors, false)));
  const document = readSchema(name);
  const id = document.$id ?? name;
  const compiled = ajv.getSchema(id);
  if (compiled) return compiled;
  ajv.addSchema(document, id);
  return ajv.getSchema(id)!;
}

/** Identifies the schemas that are compiled by the build. */
function digest(): string {
  return digestOf(topNames().map(readSchema));
}

/** The schemas that may refer to one another: those of no folder. */
function topNames(): readonly string[] {
  return schemaNames().filter((name) => !name.includes('/'));
}

/**
 * The source of a CommonJS module that exports the validators of the top schemas by name, and the digest they hold for.
 * For the build.
 */
export function validatorsSource(allErrors: boolean): string {
  const ajv = engine(allErrors, true);
  const names = topNames();
  const ids = Object.fromEntries(names.map((name) => [name, readSchema(name).$id ?? name]));
  const standalone = createRequire(import.meta.url)('ajv/dist/standalone').default as (
    ajv: Ajv2020,
    ids: Readonly<Record<string, string>>,
  ) => string;
  return `${standalone(ajv, ids)}\nexports.digest = ${JSON.stringify(digest())};\n`;
}

function engine(allErrors: boolean, source: boolean): Ajv2020 {
  // Loaded when a schema is first used: clients of a running daemon use none.
  const { Ajv2020: Validator } = createRequire(import.meta.url)('ajv/dist/2020.js') as { Ajv2020: typeof Ajv2020 };
  const ajv = new Validator({
    strict: true,
    allErrors,
    verbose: allErrors,
    allowUnionTypes: true,
    // The schemas are ours, a test validates them: the meta-schemas need not be compiled at each start.
    meta: false,
    validateSchema: false,
    // A schema used once at the start should compile fast; one used for every row should validate fast.
    inlineRefs: !allErrors,
    code: { optimize: !allErrors, source },
  });
  ajv.addVocabulary(['x-expected']);
  // Only those beside each other refer to one another; one of a folder is added when it is asked for.
  for (const name of topNames()) ajv.addSchema(readSchema(name), readSchema(name).$id === undefined ? name : undefined);
  return ajv;
}
