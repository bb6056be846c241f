import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const SRC = resolve(import.meta.dirname, '../../src');

/** Which folder may import which others; every folder may import itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  engine: ['core'],
  sip: ['core'],
  http: ['core'],
  config: ['core', 'engine'],
  blacklist: ['core', 'engine'],
  events: ['core', 'engine'],
  pvar: ['core', 'engine', 'sip'],
  stats: ['core', 'engine', 'http'],
  store: ['core', 'engine', 'config'],
  cluster: ['core', 'engine', 'config'],
  probing: ['core', 'engine', 'sip', 'config'],
  'weight-feed': ['core', 'engine', 'config'],
  proxy: ['core', 'engine', 'sip'],
  mi: ['core', 'engine', 'events', 'blacklist', 'stats', 'http', 'config'],
  route: ['core', 'engine', 'sip', 'pvar', 'proxy', 'blacklist', 'config'],
  compat: ['core', 'engine', 'pvar', 'config', 'mi'],
  cli: ['core', 'mi', 'config'],
};
const FOLDERS = Object.keys(MAY_IMPORT);
/** daemon.ts and the files of daemon/ are one room, the composition root; beside it only these stand in src/ itself. */
const TOP: Readonly<Record<string, readonly string[]>> = {
  daemon: FOLDERS.filter((folder) => folder !== 'cli'),
  'main.ts': ['daemon', 'config', 'cli', 'core'],
  'index.ts': ['daemon', 'config', 'cli', 'core'],
};
const ROOMS: Readonly<Record<string, readonly string[]>> = { ...MAY_IMPORT, ...TOP };

/** Where a package of others may be imported. */
const DOORS: Readonly<Record<string, RegExp>> = {
  sip: /^sip\/grammar\.ts$/,
  knex: /^store\//,
  libsql: /^store\//,
  pg: /^store\//,
  mysql2: /^store\//,
  ajv: /^config\/schema\.ts$/,
  nats: /^(events\/sinks\/nats[^/]*\.ts|cluster\/.*)$/,
  pino: /^daemon\/logger\.ts$/,
  'node-unix-socket': /^(mi\/transports|events\/sinks)\//,
  ws: /^sip\/transport\//,
};

/** The engine is pure: it has no socket, no file and no timer. */
const NOT_FOR_ENGINE = /^node:(net|dgram|tls|http|https|dns|fs|timers|child_process|worker_threads)(\/|$)/;

interface Import {
  /** Path below src/ of the importing file. */
  readonly file: string;
  readonly specifier: string;
  /** Gone when the program runs. */
  readonly typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  .sort();
const imports: readonly Import[] = files.flatMap((file) =>
  importsOf(readFileSync(join(SRC, file), 'utf8')).map((each) => ({ file, ...each })),
);

/** Everything a module names in import and export lines, import() and require(). */
function importsOf(text: string): Omit<Import, 'file'>[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const lines = code.matchAll(
    /^\s*(?:import|export)\b([^'";]*?)from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm,
  );
  const calls = code.matchAll(/\b(?:import|require|require\.resolve)\(\s*['"]([^'"]+)['"]\s*\)/g);
  return [
    ...[...lines].map((match) => ({
      specifier: match[2] ?? (match[3] as string),
      typeOnly: /^\s*type\b/.test(match[1] ?? ''),
    })),
    ...[...calls].map((match) => ({ specifier: match[1] as string, typeOnly: false })),
  ];
}

/** "engine" for engine/hash.ts, "daemon" for daemon.ts and daemon/x.ts, "main.ts" for main.ts. */
const roomOf = (file: string) => (file === 'daemon.ts' ? 'daemon' : (file.split('/')[0] as string));

const targetOf = ({ file, specifier }: Import) =>
  relative(SRC, resolve(SRC, dirname(file), specifier)).replace(/\.js$/, '.ts');

test('the check sees the imports', () => {
  assert.ok(imports.length > files.length / 2);
  const sample = `import a from 'x';\nimport type { B,\n C } from "./y.js";\nexport * from './z.js';\nconst q = require('w/x');\n// import n from 'no';`;
  assert.deepEqual(
    importsOf(sample).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' type' : ''}`),
    ['x', './y.js type', './z.js', 'w/x'],
  );
});

test('every file stands in a known room', () => {
  const unknown = files.filter((file) => !Object.hasOwn(ROOMS, roomOf(file)));
  assert.deepEqual(unknown, []);
});

test('imports point the right way', () => {
  const wrong = imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map((each) => ({ from: roomOf(each.file), to: roomOf(targetOf(each)), each }))
    .filter(({ from, to }) => from !== to && !(ROOMS[from] ?? []).includes(to))
    .map(({ each }) => `${each.file} imports ${targetOf(each)}`);
  assert.deepEqual(wrong, []);
});

test('no file imports itself in a circle', () => {
  const targets = new Map<string, string[]>();
  for (const each of imports) {
    if (each.typeOnly || !each.specifier.startsWith('.')) continue;
    targets.set(each.file, [...(targets.get(each.file) ?? []), targetOf(each)]);
  }
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file) || path.includes(file)) return;
    for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  assert.deepEqual(circles, []);
});

test('packages come in by their doors', () => {
  const wrong = imports
    .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .filter(({ file, specifier }) => {
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      return DOORS[name]?.test(file) !== true;
    })
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(wrong, []);
});

test('modules of Node are named as such, and the engine is pure', () => {
  const bare = imports.filter(({ specifier }) => builtinModules.includes(specifier));
  assert.deepEqual(bare, []);
  const impure = imports.filter(({ file, specifier }) => roomOf(file) === 'engine' && NOT_FOR_ENGINE.test(specifier));
  assert.deepEqual(impure, []);
});

test('names say what is inside', () => {
  const vague = files.filter((file) => /(^|[/.-])(utils?|helpers?|common|misc)([/.-]|$)/.test(file));
  assert.deepEqual(vague, []);
});
