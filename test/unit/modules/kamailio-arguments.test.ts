import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigurationTree } from '../../../src/cfg/ast.js';
import { KAMAILIO, KAMAILIO_6, OPENSIPS } from '../../../src/cfg/dialect.js';
import { hiddenKamailioVariables } from '../../../src/cfg-file/kamailio-variables.js';
import { refusedArgument } from '../../../src/modules/kamailio-arguments.js';

test('a constant argument that kamailio refuses at its start is refused with the reason', () => {
  assert.match(refusedArgument('ds_select_dst', 1, 'first') ?? '', /argument 2 must be a number/);
  assert.match(refusedArgument('remove_hf', 0, '$rU') ?? '', /must be the name of a header field, not "\$rU"/);
  assert.match(refusedArgument('get_uri_param', 1, 'x') ?? '', /must be a variable/);
  assert.match(refusedArgument('t_relay_to_udp', 0, '5') ?? '', /an address/);
});

test('an integer argument of kamailio.cfg may be a number, empty or a format; an address may be a host name', () => {
  for (const text of ['8', '-1', '', '$var(alg)'])
    assert.equal(refusedArgument('ds_select_dst', 1, text), undefined, text);
  for (const text of ['127.0.0.1', '::1', 'gw.example.com', 'gw.test'])
    assert.equal(refusedArgument('t_relay', 0, text), undefined, text);
  // Kamailio resolves it at its start, and no DNS has it.
  assert.match(refusedArgument('t_relay', 0, 'gw.example') ?? '', /argument 1 must be an address/);
  assert.equal(refusedArgument('is_method', 0, 'zz'), undefined);
});

test('a number with text before a variable is refused, with text after one only where the function takes numbers', () => {
  assert.match(refusedArgument('ds_select_dst', 0, 'x $ru') ?? '', /argument 1 must be a number or a variable/);
  assert.match(refusedArgument('sl_send_reply', 0, '4$var(a)') ?? '', /must be a number or a variable/);
  assert.equal(refusedArgument('ds_select_dst', 0, ' $var(set) '), undefined);
  assert.match(refusedArgument('t_reply', 0, '4$var(a)') ?? '', /must be a number or a variable/);
  assert.equal(refusedArgument('t_reply', 0, '$var(a)4'), undefined);
});

test('names of header fields have an index or a parameter only where the function looks at them', () => {
  assert.equal(refusedArgument('remove_hf_value', 0, 'X-List[*].q'), undefined);
  assert.equal(refusedArgument('append_hf_value', 0, 'X-List[-1]'), undefined);
  assert.match(refusedArgument('append_hf_value', 0, 'X-List[*]') ?? '', /with an index at most/);
  assert.match(refusedArgument('include_hf_value', 0, 'X-List[1]') ?? '', /the name of a header field/);
  for (const text of ['X List', 'X/List', '', 'X-List[1', 'X.a.b']) {
    assert.notEqual(refusedArgument('assign_hf_value', 0, text), undefined, text);
  }
});

test('variables that a module of Kamailio defines are unknown until it is loaded', () => {
  const tree = (...names: string[]) => ({ modules: names.map((name) => ({ name })) }) as unknown as ConfigurationTree;
  assert.ok(hiddenKamailioVariables(KAMAILIO, tree('pv')).has('sht'));
  assert.ok(!hiddenKamailioVariables(KAMAILIO, tree('htable')).has('sht'));
  assert.ok(hiddenKamailioVariables(KAMAILIO, tree()).has('oz'));
  assert.ok(!hiddenKamailioVariables(KAMAILIO_6, tree()).has('oz'));
  assert.equal(hiddenKamailioVariables(OPENSIPS, tree()).size, 0);
});
