import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { ValidateFunction } from 'ajv/dist/2020.js';

/**
 * Name of the file with compiled validators, which the build writes beside this one. There are two: validators that
 * find all faults, and validators that stop at the first.
 */
export function builtFile(allErrors: boolean): string {
  return fileURLToPath(new URL(allErrors ? './validators-all.cjs' : './validators-first.cjs', import.meta.url));
}

/** A short hash of all schemas. */
export function digestOf(documents: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(documents)).digest('base64url');
}

/**
 * The validators that the build has compiled, by schema: compiling them would take a quarter of the start. Empty if
 * there are none or the schemas have changed since.
 */
export function builtValidators(allErrors: boolean, digest: () => string): ReadonlyMap<string, ValidateFunction> {
  const file = builtFile(allErrors);
  if (!existsSync(file)) return new Map();
  const { digest: builtFor, ...validators } = createRequire(import.meta.url)(file) as Readonly<
    Record<string, ValidateFunction>
  > & { readonly digest: string };
  return (builtFor as unknown) === digest() ? new Map(Object.entries(validators)) : new Map();
}
