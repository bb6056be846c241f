import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { SwitchyardError } from '../core/errors.js';
import { builtValidators, digestOf } from './built-validators.js';
import { type Fault, faultOf } from './schema-fault.js';

/** The parts of JSON Schema that this product's schemas use. */
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
  /** Describes the expected value in messages: completes "expected ...". */
  readonly 'x-expected'?: string;
}

/** A compiled schema. */
export interface CompiledSchema {
  /** Whether the value is valid; stops at the first violation, so that hostile input costs little. */
  accepts(value: unknown): boolean;
  /** All violations in the order of the schema; for settings. */
  faults(value: unknown): readonly Fault[];
}

const SUFFIX = '.schema.json';
// The package root is two folders up, both in src/ and in dist/.
const FOLDER = fileURLToPath(new URL('../../schemas/', import.meta.url));

/** The file URL of a schema in this installation, for editors; independent of where the settings file is. */
export function schemaUrl(name: string): string {
  return pathToFileURL(join(FOLDER, name + SUFFIX)).href;
}

const documents = new Map<string, JsonSchema>();
const compiled = new Map<string, CompiledSchema>();
const engines = new Map<boolean, Ajv2020>();
const built = new Map<boolean, ReadonlyMap<string, ValidateFunction>>();

/** Names of all schemas: their paths in schemas/ without ".schema.json". */
export function schemaNames(): readonly string[] {
  return readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(SUFFIX))
    .map((path) => path.slice(0, -SUFFIX.length).replaceAll('\\', '/'))
    .sort();
}

/** The document of a schema. Throws SwitchyardError INTERNAL when there is none. */
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

/** Compiles a schema; later calls return the same object. Throws SwitchyardError INTERNAL when there is none. */
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

/** The default of a property in its schema. */
export function defaultOf(name: string, ...keys: readonly string[]): unknown {
  let schema: JsonSchema | undefined = readSchema(name);
  for (const key of keys) {
    const property: JsonSchema | undefined = schema?.properties?.[key];
    schema = property?.$ref === undefined ? property : { ...referred(property), ...property };
  }
  return schema?.default;
}

/**
 * A copy of `value` with the schema's defaults at every depth. Not done by ajv, which would add defaults before it is
 * known whether a value is inherited.
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

/** The schema that a "$ref" to a neighbouring file names. */
export function referred(schema: JsonSchema): JsonSchema {
  return readSchema((schema.$ref ?? '').replace(SUFFIX, ''));
}

/** The validator of a schema: the one compiled by the build, else compiled now. */
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

/** Identifies the schemas from which the build has compiled its validators. */
function digest(): string {
  return digestOf(topNames().map(readSchema));
}

/** The schemas directly in schemas/, which may refer to each other. */
function topNames(): readonly string[] {
  return schemaNames().filter((name) => !name.includes('/'));
}

/**
 * The source of a CommonJS module that exports the validators of the top schemas by name, and the digest of the
 * schemas. For the build.
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
  // Loaded with the first use of a schema: clients of a running daemon use none.
  const { Ajv2020: Validator } = createRequire(import.meta.url)('ajv/dist/2020.js') as { Ajv2020: typeof Ajv2020 };
  const ajv = new Validator({
    strict: true,
    allErrors,
    verbose: allErrors,
    allowUnionTypes: true,
    // The schemas are ours and validated by a test, so the meta-schemas need not be compiled at each start.
    meta: false,
    validateSchema: false,
    // A schema used once at the start should compile fast; one used for each row should validate fast.
    inlineRefs: !allErrors,
    code: { optimize: !allErrors, source },
  });
  ajv.addVocabulary(['x-expected']);
  // Only neighbouring schemas refer to each other; one in a folder is added when it is requested.
  for (const name of topNames()) ajv.addSchema(readSchema(name), readSchema(name).$id === undefined ? name : undefined);
  return ajv;
}
