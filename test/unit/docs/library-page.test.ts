import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { loadScript } from '../../../src/route/script/load.js';
import { Child } from '../../support/child-process.js';
import { textOf } from '../../support/documents.js';
import { LOADER, PACKAGE_URL } from '../../support/program.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const SOURCE = join(ROOT, 'src/index.ts');

/**
 * The only code block in a language in examples/library.md, with the package name replaced by the path of its entry
 * point.
 */
function block(language: string, name = PACKAGE_URL): string {
  const found = [
    ...textOf('examples/library.md').matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')),
  ];
  assert.equal(found.length, 1, language);
  return (found[0]?.[1] ?? '').replace("'switchyard'", JSON.stringify(name));
}

test('the example of the library of examples/library.md runs', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-readme-'));
  try {
    await writeFile(join(folder, 'example.mjs'), block('js'));
    await writeFile(join(folder, 'dispatcher.list'), '1 sip:127.0.0.1:5071\n1 sip:127.0.0.1:5072\n');
    await writeFile(
      join(folder, 'switchyard.json'),
      JSON.stringify({
        listen: 'udp:127.0.0.1:0',
        partitions: [{ name: 'gw', db_url: 'list:./dispatcher.list' }],
        default: 'gw',
      }),
    );
    const child = new Child(process.execPath, [...LOADER, 'example.mjs'], { cwd: folder });
    assert.equal(await child.exited, 0, child.said());
    const events = child.stdout.match(/^E_DISPATCHER_STATUS/gm) ?? [];
    assert.equal(events.length, 2, child.said());
    assert.match(child.stdout, /^\[ 1 \] true$/m);
    assert.match(child.stdout, /^OK$/m);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the route script of examples/library.md can be loaded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-readme-'));
  try {
    const file = join(folder, 'route.ts');
    await writeFile(file, block('ts'));
    const { routes } = await loadScript(file, PACKAGE_URL);
    assert.equal(typeof routes.request, 'function');
    assert.deepEqual(Object.keys(routes.failure ?? {}), ['next']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the code of examples/library.md is type-safe under strict settings', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'switchyard-readme-'));
  try {
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await writeFile(join(folder, 'example.ts'), block('js', SOURCE));
    await writeFile(join(folder, 'route.ts'), block('ts', SOURCE));
    const compilerOptions = {
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      target: 'ES2023',
      module: 'NodeNext',
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
    };
    const files = ['example.ts', 'route.ts', join(ROOT, 'src/sip/sip-package.d.ts')];
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const checker = new Child(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder], { cwd: ROOT });
    assert.equal(await checker.exited, 0, checker.said());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
