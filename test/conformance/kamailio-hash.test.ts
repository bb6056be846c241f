import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { dispatcherHash } from '../../src/engine/hash.js';

interface HashVector {
  readonly inputHex?: string;
  readonly input1Hex?: string;
  readonly input2Hex?: string;
  readonly hash: number;
}

const recorded = JSON.parse(readFileSync(new URL('data/kamailio-hash.json', import.meta.url), 'utf8')) as Record<
  string,
  readonly HashVector[]
>;

const bytes = (hex: string): string => Buffer.from(hex, 'hex').toString('latin1');

test(`hashes over one key: ${recorded['one']?.length} agree`, () => {
  for (const { inputHex, hash } of recorded['one'] ?? [])
    assert.equal(dispatcherHash(bytes(inputHex ?? '')), hash, inputHex);
  assert.equal(recorded['one']?.length, 200);
});

test(`hashes over two keys: ${recorded['two']?.length} agree`, () => {
  for (const { input1Hex, input2Hex, hash } of recorded['two'] ?? []) {
    assert.equal(dispatcherHash(bytes(input1Hex ?? ''), bytes(input2Hex ?? '')), hash, `${input1Hex} ${input2Hex}`);
  }
  assert.equal(recorded['two']?.length, 200);
});
