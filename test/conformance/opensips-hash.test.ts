import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { coreHash, dispatcherHash } from '../../src/engine/hash.js';

interface HashVector {
  readonly hex: string;
  readonly hex2?: string;
  readonly hash: number;
}

const recorded = JSON.parse(readFileSync(new URL('data/opensips-hash.json', import.meta.url), 'utf8')) as {
  vectors: Record<string, HashVector[]>;
};

const bytes = (hex: string): string => Buffer.from(hex, 'hex').toString('latin1');

const hashes: Record<string, (a: string, b: string | undefined) => number> = {
  'ds_get_hash(x,NULL)': dispatcherHash,
  'ds_get_hash(x,y)': dispatcherHash,
  'core_hash(x,NULL,0)': coreHash,
  'core_hash(x,y,0)': coreHash,
  'core_hash(x,NULL,16)': (a, b) => coreHash(a, b, 16),
};

for (const [name, vectors] of Object.entries(recorded.vectors)) {
  test(`${name}: ${vectors.length} hashes agree`, () => {
    const hash = hashes[name];
    assert.ok(hash !== undefined, `no function for ${name}`);
    for (const { hex, hex2, hash: expected } of vectors) {
      assert.equal(
        hash(bytes(hex), hex2 === undefined ? undefined : bytes(hex2)),
        expected,
        `bytes ${hex} ${hex2 ?? ''}`,
      );
    }
  });
}
