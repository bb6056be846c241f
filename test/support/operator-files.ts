import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inventory, type Verdict } from '../../src/cfg-file/inventory.js';
import { readCfg } from '../../src/cfg-file/load.js';

/** File, the version it is read as, its verdict, and what it says of what is not there. */
export type FileVerdict = readonly [file: string, dialect: string, verdict: Verdict, missing: readonly RegExp[]];

/** Path of a file as operators of an original write them. */
export function operatorFile(original: 'opensips' | 'kamailio', file: string): string {
  return fileURLToPath(new URL(`../fixtures/${original}/${file}`, import.meta.url));
}

/** A test for each file: it is read as its version, gets its verdict, and one that runs whole loads. */
export function testFiles(original: 'opensips' | 'kamailio', files: readonly FileVerdict[]): void {
  for (const [file, dialect, verdict, missing] of files) {
    test(`${file} ${verdict}`, () => {
      const path = operatorFile(original, file);
      const reading = readCfg(path, { unknownFunctions: 'log', runtimeFolder: tmpdir() });
      const found = inventory(reading);
      assert.equal(reading.dialect?.title, dialect);
      const lacking = found.things.filter(({ standing }) => standing !== 'supported' && standing !== 'no effect');
      assert.equal(found.verdict, verdict, JSON.stringify(lacking));
      const text = lacking.map(({ message }) => message).join('\n');
      for (const each of missing) assert.match(text, each);
      if (verdict === 'runs whole') assert.notEqual(readCfg(path).loaded, undefined);
    });
  }
}
