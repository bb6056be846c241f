import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { asyncApiDocument, type SchemaDocument } from '../../src/events/asyncapi.js';
import { CLUSTER_EVENTS, EVENT_CATALOGUE } from '../../src/events/catalogue.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The published document. `npm run docs` regenerates it. */
export const ASYNCAPI_FILE = `${root}schemas/asyncapi.json`;

/** The schemas of the events and of call records, by file name. */
export function eventSchemas(): Map<string, SchemaDocument> {
  const read = (name: string) => JSON.parse(readFileSync(`${root}schemas/events/${name}`, 'utf8')) as SchemaDocument;
  const files = [...[...EVENT_CATALOGUE, ...CLUSTER_EVENTS].map(({ schema }) => schema), 'call-record.schema.json'];
  return new Map(files.map((file) => [file, read(file)]));
}

/** The document that the file must contain. */
export function currentAsyncApi(): Record<string, unknown> {
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string };
  return asyncApiDocument(eventSchemas(), { version });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(ASYNCAPI_FILE, `${JSON.stringify(currentAsyncApi(), null, 2)}\n`);
}
