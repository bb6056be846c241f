import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { test } from 'node:test';
import { parseJson } from '../../../src/config/json-source.js';
import { readSettings } from '../../../src/config/load.js';
import { compositionFaults } from '../../../src/daemon/composition.js';

const DEPLOY = resolve(import.meta.dirname, '../../../examples/deploy');
const text = (name: string) => readFileSync(resolve(DEPLOY, name), 'utf8');
const CLUSTER = {
  HOSTNAME: 'sw1',
  SWITCHYARD_ADDRESS: '192.0.2.1:5060',
  SWITCHYARD_DB: 'postgres://u:p@db/switchyard',
  SWITCHYARD_NATS: 'nats://nats:4222',
};
const env = {
  ADVERTISE: '192.0.2.1:5060',
  DB_PASSWORD: 'x',
  NATS_TOKEN: 'x',
  HOST_IP: '192.0.2.1',
  NODE_NAME: 'n1',
  ...CLUSTER,
};

test('the settings of every deployment are accepted as they stand', () => {
  const block = /switchyard\.json: \|\n((?: {4}.*\n)+)/.exec(text('kubernetes/switchyard.yml'))?.[1] ?? '';
  for (const [name, source] of [
    ['debian', text('debian/settings.jsonc')],
    ['compose', text('compose/switchyard.json')],
    ['cluster', text('cluster/switchyard.json')],
    ['kubernetes', block.replace(/^ {4}/gm, '')],
  ] as const) {
    // A folder of partitions exists once the package is installed.
    const value = { ...(parseJson(source) as object), ...(name === 'debian' ? { partitions: [] } : {}) };
    const { warnings } = readSettings(value, { env, cwd: '/', inspect: compositionFaults }, name);
    assert.deepEqual(
      warnings.filter(({ reason }) => !/peers see/.test(reason)),
      [],
      name,
    );
  }
});

test('the unit starts nothing that one tenant could delay, and reloads with an answer', () => {
  const unit = text('switchyard.service');
  assert.doesNotMatch(unit, /^ExecStartPre=/m);
  assert.match(unit, /^ExecReload=.* reload --config /m);
});

test('images and manifests use a current Node and this version, and probe the right paths', () => {
  const { version } = JSON.parse(readFileSync(resolve(DEPLOY, '../../package.json'), 'utf8')) as { version: string };
  const bases = [...text('Dockerfile').matchAll(/^FROM node:([0-9]+)/gm)].map((match) => Number(match[1]));
  assert.ok(bases.length === 2 && bases.every((major) => major >= 24));
  assert.ok(text('kubernetes/switchyard.yml').includes(`image: switchyard:${version}`));
  for (const file of ['kubernetes/switchyard.yml', 'cluster/kubernetes.yaml']) {
    const manifest = text(file);
    const probes = [...manifest.matchAll(/(\w+)Probe:\s*\{?\s*httpGet: \{ path: (\S+), port: (\w+)/g)];
    assert.ok(probes.length >= 2, file);
    for (const [, kind, path, port] of probes) {
      assert.equal(path, kind === 'readiness' ? '/readyz' : '/livez', `${file}: ${kind}Probe`);
      assert.ok(manifest.includes(`{ name: ${port}, containerPort:`), `${file}: port ${port}`);
    }
  }
});

/**
 * Blocks of a YAML file of the project below one top-level key, by name: two spaces per level, as the files are
 * written.
 */
function blocks(source: string, key: string): ReadonlyMap<string, string> {
  const [, body = ''] = new RegExp(`^${key}:\\n((?:(?: .*|#.*)?\\n)*)`, 'm').exec(`${source}\n`) ?? [];
  const parts = body.split(/^ {2}([a-z0-9_-]+):(.*\n)/m);
  const found = new Map<string, string>();
  for (let i = 1; i + 2 < parts.length + 1; i += 3) found.set(parts[i] ?? '', `${parts[i + 1]}${parts[i + 2] ?? ''}`);
  return found;
}

for (const file of ['compose/compose.yml', 'cluster/compose.yaml']) {
  test(`${file}: the named services, volumes, files and variables exist`, () => {
    const source = text(file);
    const folder = dirname(resolve(DEPLOY, file));
    const services = blocks(source, 'services');
    const volumes = blocks(source, 'volumes');
    assert.ok(services.size >= 3, [...services.keys()].join());
    const wanted = [...source.matchAll(/^ {6}([a-z0-9_-]+):\n {8}condition: (\S+)$/gm)];
    for (const [, name = '', condition] of wanted) {
      const service = services.get(name);
      assert.ok(service !== undefined, `${name} is no service`);
      if (condition === 'service_healthy') assert.match(service, /^ {4}healthcheck:$/m);
      if (condition === 'service_completed_successfully') assert.doesNotMatch(service, /restart: (?!"?no|on-failure)/);
    }
    for (const [, from = ''] of source.matchAll(/^ {6}- ([^\s:"]+):\/[^\s]*$/gm)) {
      if (from.startsWith('.')) assert.ok(existsSync(resolve(folder, from)), from);
      else if (!from.startsWith('/')) assert.ok(volumes.has(from), `volume ${from} is not declared`);
    }
    const builds = [...source.matchAll(/context: ([^\s,]+)(?:,|\n)\s+dockerfile: (\S+)/g)];
    assert.ok(builds.length > 0);
    for (const [, context = '', dockerfile = ''] of builds) {
      assert.ok(existsSync(resolve(folder, context, dockerfile)), dockerfile);
    }
    // Each container that reads the settings has the environment variables they use.
    const settings = readFileSync(resolve(folder, 'switchyard.json'), 'utf8');
    const variables = [...settings.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name = '']) => name);
    for (const [name, service] of services) {
      if (!service.includes('/etc/switchyard/switchyard.json')) continue;
      for (const variable of variables)
        assert.match(service, new RegExp(`\\b${variable}: `), `${name} lacks ${variable}`);
    }
  });
}
