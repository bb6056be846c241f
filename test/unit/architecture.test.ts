import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const SRC = resolve(import.meta.dirname, '../../src');

/** Which folder may import which others; every folder may import itself. An edge that no file uses is refused too. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  engine: ['core'],
  sip: ['core'],
  http: ['core', 'access'],
  access: ['core'],
  config: ['core', 'engine'],
  blacklist: ['core', 'engine'],
  events: ['core', 'engine'],
  cluster: ['core', 'engine', 'events'],
  pvar: ['core'],
  stats: [],
  store: ['core', 'engine', 'config'],
  probing: ['core', 'engine', 'config'],
  'weight-feed': ['core', 'engine', 'config'],
  proxy: ['core', 'engine', 'sip'],
  calls: ['core', 'engine', 'sip', 'proxy'],
  trace: ['core', 'sip', 'proxy'],
  management: ['core', 'access', 'engine', 'http', 'config', 'events', 'stats'],
  cfg: ['core', 'pvar'],
  route: ['core', 'engine', 'sip', 'config', 'pvar', 'proxy', 'cfg'],
  console: ['core', 'access', 'engine', 'http', 'calls'],
  tenant: ['core', 'engine', 'sip', 'config', 'blacklist', 'pvar', 'store', 'management', 'route'],
  script: ['core', 'engine', 'sip', 'pvar', 'cfg', 'route', 'management'],
  media: ['core'],
  workers: ['core', 'config', 'blacklist', 'engine', 'sip', 'pvar', 'proxy', 'calls', 'route'],
  modules: ['core', 'media', 'engine', 'sip', 'pvar', 'cfg', 'script', 'route'],
  'cfg-file': ['core', 'config', 'cfg', 'pvar', 'script', 'modules'],
  daemon: [
    'core',
    'access',
    'engine',
    'sip',
    'http',
    'config',
    'blacklist',
    'events',
    'cluster',
    'pvar',
    'stats',
    'store',
    'probing',
    'weight-feed',
    'proxy',
    'calls',
    'console',
    'trace',
    'management',
    'route',
    'tenant',
    'script',
    'cfg-file',
    'workers',
  ],
  cli: [
    'cfg-file',
    'core',
    'access',
    'engine',
    'sip',
    'config',
    'cfg',
    'events',
    'calls',
    'trace',
    'store',
    'management',
    'tenant',
    'daemon',
  ],
  'index.ts': ['core', 'config', 'daemon'],
  'main.ts': ['cli'],
};
const ROOMS = MAY_IMPORT;

/** Files in which an external package may be imported. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  koffi: /^sip\/transport\/native\/libc\.ts$/,
  sip: /^sip\/grammar\.ts$/,
  knex: /^store\//,
  libsql: /^store\//,
  pg: /^store\//,
  mysql2: /^store\//,
  ajv: /^config\/(schema|built-validators)\.ts$/,
  nats: /^events\/sinks\/nats[^/]*\.ts$/,
  pino: /^daemon\/logger\.ts$/,
  'pino-pretty': /^daemon\/log-stream\.ts$/,
  'node-unix-socket': /^(management\/endpoints|events\/sinks)\//,
  re2js: /^core\/(posix-regex|regex\/[a-z-]+)\.ts$/,
  'jsonc-parser': /^config\/json-source\.ts$/,
  acorn: /^route\/script\/(check-calls|script-syntax)\.ts$/,
  commander: /^cli\/line\/parse\.ts$/,
  'csv-parse': /^cli\/database\/row-file\.ts$/,
  ws: /^sip\/transport\//,
  '@opentelemetry/api': /^daemon\/telemetry\.ts$/,
  '@opentelemetry/resources': /^daemon\/telemetry\.ts$/,
  '@opentelemetry/sdk-trace-base': /^daemon\/telemetry\.ts$/,
  '@opentelemetry/exporter-trace-otlp-http': /^daemon\/telemetry\.ts$/,
};

/** The engine is pure: it has no socket, no file and no timer. */
const NOT_FOR_ENGINE = /^node:(net|dgram|tls|http|https|dns|fs|timers|child_process|worker_threads)(\/|$)/;

interface Import {
  /** Path below src/ of the importing file. */
  readonly file: string;
  readonly specifier: string;
  /** Removed by compilation. */
  readonly typeOnly: boolean;
  /** import(): executed on demand. */
  readonly dynamic: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
  // The page is a separate program; it uses types of wire.ts from the server side.
  .filter((name) => !name.startsWith('console/browser/'))
  .sort();
const imports: readonly Import[] = files.flatMap((file) =>
  importsOf(readFileSync(join(SRC, file), 'utf8')).map((each) => ({ file, ...each })),
);

/** Every specifier of import and export declarations, import() and require(). */
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
      dynamic: false,
    })),
    ...[...calls].map((match) => ({ specifier: match[1] as string, typeOnly: false, dynamic: true })),
  ];
}

/** "engine" for engine/hash.ts, "main.ts" for main.ts. */
const roomOf = (file: string) => file.split('/')[0] as string;

const targetOf = ({ file, specifier }: Import) =>
  relative(SRC, resolve(SRC, dirname(file), specifier)).replace(/\.js$/, '.ts');

test('the scan finds every form of import', () => {
  assert.ok(imports.length > files.length / 2);
  const sample = `import a from 'x';\nimport type { B,\n C } from "./y.js";\nexport * from './z.js';\nconst q = require('w/x');\n// import n from 'no';`;
  assert.deepEqual(
    importsOf(sample).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? ' type' : ''}`),
    ['x', './y.js type', './z.js', 'w/x'],
  );
});

test('every file is in a known room', () => {
  const unknown = files.filter((file) => !Object.hasOwn(ROOMS, roomOf(file)));
  assert.deepEqual(unknown, []);
});

/** Imports between rooms, type imports counted. */
const crossings = imports
  .filter(({ specifier }) => specifier.startsWith('.'))
  .map((each) => ({ from: roomOf(each.file), to: roomOf(targetOf(each)), each }))
  .filter(({ from, to }) => from !== to);

test('imports are allowed between their rooms', () => {
  const wrong = crossings
    .filter(({ from, to }) => !(ROOMS[from] ?? []).includes(to))
    .map(({ each }) => `${each.file} imports ${targetOf(each)}`);
  assert.deepEqual(wrong, []);
});

test('every room exists and every allowed edge is used', () => {
  const rooms = new Set(files.map(roomOf));
  assert.deepEqual(
    Object.keys(ROOMS).filter((room) => !rooms.has(room)),
    [],
  );
  const used = new Set(crossings.map(({ from, to }) => `${from} -> ${to}`));
  const unused = Object.entries(ROOMS)
    .flatMap(([from, targets]) => targets.map((to) => `${from} -> ${to}`))
    .filter((edge) => !used.has(edge));
  assert.deepEqual(unused, []);
});

test('rooms import each other in no circle', () => {
  assert.deepEqual(circlesIn(new Map(Object.entries(ROOMS))), []);
});

test('no file imports itself in a circle, type imports counted', () => {
  const targets = new Map<string, string[]>();
  for (const each of imports) {
    if (!each.specifier.startsWith('.')) continue;
    targets.set(each.file, [...(targets.get(each.file) ?? []), targetOf(each)]);
  }
  assert.deepEqual(
    knotsIn(targets).map((knot) => knot.join(' ')),
    [],
  );
});

/** Every cycle in a walk over all nodes, as "a -> b -> a". */
function circlesIn(targets: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (node: string, path: readonly string[]) => {
    if (path.includes(node)) circles.push([...path.slice(path.indexOf(node)), node].join(' -> '));
    if (done.has(node) || path.includes(node)) return;
    for (const target of targets.get(node) ?? []) visit(target, [...path, node]);
    done.add(node);
  };
  for (const node of targets.keys()) visit(node, []);
  return circles;
}

/** Groups of nodes that reach each other (Tarjan's strongly connected components with at least two nodes). */
function knotsIn(targets: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const knots: string[][] = [];
  const visit = (node: string) => {
    index.set(node, index.size);
    low.set(node, index.get(node)!);
    stack.push(node);
    for (const target of targets.get(node) ?? []) {
      if (!index.has(target)) visit(target);
      if (stack.includes(target)) low.set(node, Math.min(low.get(node)!, low.get(target)!));
    }
    if (low.get(node) !== index.get(node)) return;
    const knot = stack.splice(stack.indexOf(node));
    if (knot.length > 1) knots.push(knot.sort());
  };
  for (const node of targets.keys()) if (!index.has(node)) visit(node);
  return knots;
}

test('packages are imported only where they are allowed', () => {
  const wrong = imports
    .filter(({ specifier }) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
    .filter(({ file, specifier }) => {
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      return PACKAGES[name]?.test(file) !== true;
    })
    .map(({ file, specifier }) => `${file} imports ${specifier}`);
  assert.deepEqual(wrong, []);
});

test('every package that is installed has its files here, is used in them, and is weighed in src/README.md', () => {
  const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(
    readFileSync(resolve(SRC, '../package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;
  const installed = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  assert.deepEqual(installed.sort(), Object.keys(PACKAGES).sort());
  const sources = files.map((file) => [file, readFileSync(join(SRC, file), 'utf8')] as const);
  const unused = installed.filter(
    (name) =>
      !sources.some(
        ([file, text]) =>
          PACKAGES[name]?.test(file) === true && [`'${name}'`, `'${name}/`].some((each) => text.includes(each)),
      ),
  );
  assert.deepEqual(unused, []);
  const weighed = readFileSync(join(SRC, 'README.md'), 'utf8').split('## Dependencies weighed')[1] ?? '';
  const family = (name: string) => name.replace(/^(@[^/]+)\/.*$/, '$1/*');
  assert.deepEqual(
    installed.filter((name) => !weighed.includes(`\`${family(name)}\``)),
    [],
  );
});

test('modules of Node have the prefix "node:", and the engine imports none', () => {
  const bare = imports.filter(({ specifier }) => builtinModules.includes(specifier));
  assert.deepEqual(bare, []);
  const impure = imports.filter(({ file, specifier }) => roomOf(file) === 'engine' && NOT_FOR_ENGINE.test(specifier));
  assert.deepEqual(impure, []);
});

test('cluster modules are loaded only with a cluster', () => {
  const static_ = imports.filter((each) => !each.typeOnly && each.specifier.startsWith('.'));
  const needs = (file: string) =>
    roomOf(file) === 'cluster' || /^daemon\/(build-cluster|cluster-(control|metrics))\.ts$/.test(file);
  const wrong = static_.filter((each) => !needs(each.file) && needs(targetOf(each)) && !each.dynamic);
  assert.deepEqual(
    wrong.map(({ file, specifier }) => `${file} imports ${specifier}`),
    [],
  );
});

test('a daemon without a cfg file does not load the cfg modules or rarely needed packages before it answers', () => {
  const loads = imports.filter(({ typeOnly, dynamic }) => !typeOnly && !dynamic);
  const reached = new Set(['daemon/daemon.ts']);
  const packages = new Set<string>();
  // Iteration over a set includes elements that are added meanwhile.
  for (const from of reached) {
    for (const each of loads) {
      if (each.file !== from) continue;
      if (each.specifier.startsWith('.')) reached.add(targetOf(each));
      else packages.add(each.specifier);
    }
  }
  assert.ok(reached.size > 200 && reached.has('sip/originate.ts'));
  assert.deepEqual(
    ['modules/all.ts', 'cfg-file/load.ts', 'route/script/check-calls.ts'].filter((file) => reached.has(file)),
    [],
  );
  assert.deepEqual(
    ['sip', 'ws', 'knex', 'nats', 're2js', 'acorn', 'node-unix-socket'].filter((name) => packages.has(name)),
    [],
  );
});

/**
 * How often other rooms ask whether a partition is Kamailio's, for functions and commands that only its
 * module has.
 */
const KNOWN_KAMAILIO = 12;

test('nobody outside the engine compares flavours', () => {
  const code = files
    .filter((file) => roomOf(file) !== 'engine')
    .map((file) => ({ file, text: readFileSync(join(SRC, file), 'utf8') }));
  // Comparisons with the flavour or with a flavour's name.
  const comparison =
    /\b(?:[\w.]*[fF]lavour(?:\.name)?|isKamailio|isOpensips)\s*[!=]==?\s*['"A-Z]|instanceof \w*Flavour\b/g;
  const compared = code.flatMap(({ file, text }) =>
    [...text.matchAll(comparison)].map(([found]) => `${file}: ${found}`),
  );
  assert.deepEqual(compared, []);
  assert.deepEqual(
    ["options.flavour === 'kamailio'", 'flavour.name !== OWN', 'x instanceof KamailioFlavour'].filter(
      (each) => each.search(comparison) < 0,
    ),
    [],
  );
  const asked = code.reduce((sum, { text }) => sum + [...text.matchAll(/\bkamailioOf\(/g)].length, 0);
  assert.ok(asked <= KNOWN_KAMAILIO, `${asked} questions, ${KNOWN_KAMAILIO} are known: ask the flavour`);
  assert.equal(asked, KNOWN_KAMAILIO, 'there are fewer now: write the new number here');
});

test('file names describe their contents', () => {
  const vague = files.filter((file) => /(^|[/.-])(utils?|helpers?|common|misc)([/.-]|$)/.test(file));
  assert.deepEqual(vague, []);
});

/** Exported names of a text without a docstring; a linter comment may follow the docstring. */
function undocumented(text: string): string[] {
  const lines = text.split('\n');
  const documented = new Set<string>();
  const names = new Set<string>();
  for (const [i, line] of lines.entries()) {
    const name = /^export (?:abstract )?(?:async )?(?:function\*?|const|class|interface|type|enum) (\w+)/.exec(
      line,
    )?.[1];
    if (name === undefined) continue;
    names.add(name);
    let before = i - 1;
    while (lines[before]?.startsWith('//')) before--;
    let first = before;
    while (lines[first]?.startsWith(' *')) first--;
    if (lines[before]?.endsWith('*/') && lines[first]?.startsWith('/**')) documented.add(name);
  }
  return [...names].filter((name) => !documented.has(name));
}

test('every exported name has a docstring', () => {
  const sample =
    '/** A. */\nexport const a = 1;\nexport type B = 1;\n/**\n * C.\n */\n// lint\nexport function c() {}\n/* d */\nexport class D {}';
  assert.deepEqual(undocumented(sample), ['B', 'D']);
  const all = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => /(?<!\.d)\.tsx?$/.test(name));
  const without = all.flatMap((file) =>
    undocumented(readFileSync(join(SRC, file), 'utf8')).map((name) => `${file}: ${name}`),
  );
  assert.deepEqual(without, []);
});
