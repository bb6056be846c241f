import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteKind } from '../../../src/cfg/ast.js';
import { scriptFunctions } from '../../../src/modules/all.js';
import { methodTest, namesMethod } from '../../../src/route/functions/message.js';
import { JAVASCRIPT_ROUTES } from '../../support/cfg-reference.js';

/** Methods of JavaScript routes that are not functions of a cfg file: statements, operators and internal ones. */
const LANGUAGE = new Set(
  'constructor get set format exit drop end running done refused text lines answer select next again isKamailio'.split(
    ' ',
  ),
);

/** Functions of JavaScript that are not in the tables: those that failure routes inherit from request routes. */
const BEYOND = ['failure: loose_route', 'failure: mf_process_maxfwd_header'];

test('every function of a JavaScript route is in the table, for a kind of route that the table allows', () => {
  const table = scriptFunctions();
  const wrong: string[] = [];
  for (const [kind, names] of JAVASCRIPT_ROUTES) {
    for (const name of names) {
      if (LANGUAGE.has(name)) continue;
      const found = [...table.find('opensips', name), ...table.find('kamailio', name)];
      const allowed = found.some(({ routes }) => routes === 'any' || routes.includes(kind as RouteKind));
      if (!allowed) wrong.push(`${kind}: ${name}`);
    }
  }
  assert.deepEqual(wrong, BEYOND);
});

test('a list names a method by a whole word, whatever the letter case', () => {
  const named = ['INVITE', 'invite', 'ACK|INVITE', 'ACK | Invite', 'REINVITE|INVITE'];
  const others = ['', '|', 'ACK', 'REINVITE', 'INVITE-X', 'INVITES|ACK'];
  assert.deepEqual(
    named.map((list) => namesMethod(list, 'INVITE')),
    named.map(() => true),
  );
  assert.deepEqual(
    others.map((list) => namesMethod(list, 'INVITE')),
    others.map(() => false),
  );
  assert.equal(namesMethod('INVITE', ''), false);
  // A repeated list gives the same answers.
  for (const list of [...named, ...others, ' INVITE ', 'INVITE |', 'A B|INVITE'])
    for (const method of ['INVITE', 'ACK', '', 'A', 'INVITE|ACK', 'ACK|INVITE', '|'])
      assert.equal(methodTest(list)(method), namesMethod(list, method), `${list} ${method}`);
});
