import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inventory, type Verdict } from '../../src/cfg-file/inventory.js';
import { readCfg } from '../../src/cfg-file/load.js';

/** File, the version as which it is read, its verdict, and its messages about unsupported parts. */
export type FileVerdict = readonly [file: string, dialect: string, verdict: Verdict, missing: readonly RegExp[]];

/** Path of a typical operator's file of an original. */
export function operatorFile(original: 'opensips' | 'kamailio', file: string): string {
  return fileURLToPath(new URL(`../fixtures/${original}/${file}`, import.meta.url));
}

/** A test for each file: it is read as its version and gets its verdict; a supported one also loads. */
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
