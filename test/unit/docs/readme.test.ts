import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { commandNames } from '../../../src/cli/line/run.js';
import { documents, ROOT, tablesIn, textOf, withTables } from '../../support/documents.js';

const texts = new Map(documents().map((name) => [name, textOf(name)]));

test('README.md can be read in five minutes', () => {
  assert.ok(Buffer.byteLength(texts.get('README.md') ?? '') < 10_000);
});

test('the tables of the documents are those of the schemas (npm run docs)', () => {
  const tables = [...texts.values()].flatMap(tablesIn).sort();
  assert.deepEqual(tables, ['destination', 'modparam', 'partition', 'routing-rule', 'settings']);
  for (const [name, text] of texts) assert.ok(withTables(text) === text, `${name}: run npm run docs`);
});

test('the JSON in the documents is JSON', () => {
  for (const [name, text] of texts) {
    for (const [, block] of text.matchAll(/^```json\n([\s\S]*?)^```$/gm)) {
      assert.doesNotThrow(() => JSON.parse(block as string), `${name}: ${block}`);
    }
  }
});

test('every link of the documents leads to a file, and every anchor to a heading', () => {
  const broken: string[] = [];
  let links = 0;
  for (const [name, text] of texts) {
    for (const [, path, anchor] of text.matchAll(/\]\(([^)#:\s]*)(?:#([^)]*))?\)/g)) {
      links++;
      const target = path === '' ? name : join(dirname(name), path as string);
      if (!existsSync(join(ROOT, target))) broken.push(`${name}: ${path}`);
      else if (anchor !== undefined && target.endsWith('.md') && !anchorsOf(textOf(target)).has(anchor)) {
        broken.push(`${name}: ${path}#${anchor}`);
      }
    }
  }
  assert.ok(links > 20);
  assert.deepEqual(broken, []);
});

test('every document is linked from another', () => {
  const linked = new Set(
    [...texts].flatMap(([name, text]) =>
      [...text.matchAll(/\]\(([^)#:\s]+)/g)].map(([, path]) => {
        const target = join(dirname(name), path as string);
        return target.endsWith('.md') ? target : join(target, 'README.md');
      }),
    ),
  );
  const alone = [...texts.keys()].filter((name) => name !== 'README.md' && !linked.has(name));
  assert.deepEqual(
    alone.filter((name) => name !== 'CHANGELOG.md'),
    [],
  );
});

test('the documents name only commands and scripts that exist', () => {
  for (const [name, text] of texts) {
    for (const [, command] of text.matchAll(/(?:^ {4}|`)switchyard ([a-z]+)\b/gm))
      assert.ok(commandNames().includes(command as string), `${name}: switchyard ${command}`);
  }
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  for (const [name, text] of texts) {
    for (const [, script] of text.matchAll(/npm run ([a-z:-]*[a-z])/g))
      assert.ok(scripts[script as string], `${name}: ${script}`);
  }
});

test('README.md has every command but those about the program itself', () => {
  const listed = new Set(
    [...(texts.get('README.md') ?? '').matchAll(/^ {4}switchyard ([a-z]+)/gm)].map(([, name]) => name),
  );
  const own = ['completion', 'help', 'man', 'version'];
  assert.deepEqual(
    commandNames().filter((name) => !listed.has(name) && !own.includes(name)),
    [],
  );
});

/** Anchors of a document's headings, made like those of the usual renderers. */
function anchorsOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      (title as string)
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
