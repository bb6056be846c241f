import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { EVENT_CATALOGUE, EventIds, mergeEvents, statusEvent } from '../../../src/events/catalogue.js';
import { encodeNotification } from '../../../src/events/encode.js';
import { ASYNCAPI_FILE, currentAsyncApi, eventSchemas } from '../../support/asyncapi-file.js';
import { fixedRandom, flip, makeDestination } from '../../support/event-fixtures.js';

describe('catalogue', () => {
  const ajv = new Ajv2020({ strict: true, allErrors: true });
  const validate = ajv.compile([...eventSchemas().values()][0] as object);
  const ids = new EventIds('sw1', fixedRandom);

  test('the id of an event is its position in the list', () => {
    assert.deepEqual(
      EVENT_CATALOGUE.map(({ id }) => id),
      EVENT_CATALOGUE.map((_, i) => i),
    );
  });

  test('events by probe, by MI and after a merge follow their schema', () => {
    const destination = makeDestination();
    const first = statusEvent(flip(destination, { cause: 'refused' }), ids);
    const second = statusEvent(flip(destination, { code: undefined, origin: 'mi', reason: 'MI command' }), ids);
    for (const event of [first, second, mergeEvents(first, second)]) {
      assert.ok(validate(JSON.parse(encodeNotification(event))), JSON.stringify(validate.errors));
    }
    assert.equal(mergeEvents(first, second).params['previous'], 'active');
    const foreign = JSON.parse(encodeNotification(first));
    foreign.params.extra = 1;
    assert.ok(!validate(foreign));
  });

  test('an edge has the last status as previous, the next sequence number and an id of its own', () => {
    const destination = makeDestination();
    const events = Array.from({ length: 6 }, () => statusEvent(flip(destination), ids));
    let previous = 'active';
    for (const [i, { params }] of events.entries()) {
      assert.deepEqual([params['previous'], params['seq']], [previous, i + 1]);
      assert.notEqual(params['status'], previous);
      previous = String(params['status']);
    }
    assert.equal(new Set(events.map(({ id }) => id)).size, 6);
  });

  test('the published AsyncAPI document is current', () => {
    assert.deepEqual(JSON.parse(readFileSync(ASYNCAPI_FILE, 'utf8')), currentAsyncApi(), 'run: npm run docs');
  });

  test('every reference of the AsyncAPI document leads somewhere', () => {
    const document = currentAsyncApi();
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] as string);
    assert.ok(refs.length > 3);
    for (const path of refs) {
      let node: unknown = document;
      for (const name of path.split('/')) node = (node as Record<string, unknown>)[name];
      assert.notEqual(node, undefined, path);
    }
  });
});
