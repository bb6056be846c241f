import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { Child } from '../support/child-process.js';
import { SWITCHYARD } from '../support/program.js';

const EXAMPLES = resolve(import.meta.dirname, '../../examples/kamailio');

describe('the examples of kamailio partitions behave as their READMEs say', () => {
  for (const name of ['mailing-list', 'media-gateways-failover', 'call-load-30-gateways']) {
    test(name, { timeout: 60_000 }, async () => {
      const folder = `${EXAMPLES}/${name}`;
      const config = `${folder}/switchyard.json`;
      const check = new Child(process.execPath, [...SWITCHYARD, 'check', '--config', config], {});
      assert.equal(await check.exited, 0, check.said());
      const select = new Child(
        process.execPath,
        [...SWITCHYARD, 'select', '--config', config, '--batch', `${folder}/calls.ndjson`],
        {},
      );
      assert.equal(await select.exited, 0, select.said());
      const lines = (text: string) =>
        text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown);
      assert.deepEqual(lines(select.stdout), lines(readFileSync(`${folder}/expected.ndjson`, 'utf8')));
      const readme = readFileSync(`${folder}/README.md`, 'utf8');
      for (const [, shown] of readme.matchAll(/^ {4}(\{.*)\.\.\.$/gm)) {
        assert.ok(select.stdout.includes(shown ?? ''), `${name}: README shows ${shown}`);
      }
    });
  }
});
