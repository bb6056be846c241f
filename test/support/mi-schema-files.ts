import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { MiCommand, MiValue } from '../../src/management/mi/command.js';
import { commandSchema, schemaFile } from '../../src/management/mi/command-schema.js';
import { clusterCommands } from '../../src/management/mi/commands/cluster.js';
import type { MiDependencies } from '../../src/management/mi/dependencies.js';
import { makeMiFixture } from './mi-fixture.js';

const FOLDER = resolve(import.meta.dirname, '../../schemas/mi');

/** Every command of the daemon. */
export function miCommands(): readonly MiCommand[] {
  // Commands of the cluster exist only in a cluster; their parameters do not depend on it.
  return [...makeMiFixture().handler.commands(), ...clusterCommands({} as MiDependencies)];
}

/** The schemas that the files must contain, by file name. */
export function currentMiSchemas(): Map<string, MiValue> {
  return new Map(miCommands().map((command) => [schemaFile(command), commandSchema(command)]));
}

/** The schemas as published. */
export function publishedMiSchemas(): Map<string, MiValue> {
  const read = (name: string) => JSON.parse(readFileSync(resolve(FOLDER, name), 'utf8')) as MiValue;
  return new Map(readdirSync(FOLDER).map((name) => [name, read(name)]));
}

// `npm run docs`
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  // A command without a schema must not prevent the others from being published.
  const schemas = currentMiSchemas();
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  for (const [name, schema] of schemas) {
    writeFileSync(resolve(FOLDER, name), `${JSON.stringify(schema, undefined, 2)}\n`);
  }
}
