import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseBlacklist, parsePartitionString } from '../../../src/config/partition-string.js';
import { SwitchyardError } from '../../../src/core/errors.js';

const definition = (text: string) => {
  const parsed = parsePartitionString(text);
  assert.ok(parsed.kind === 'definition');
  return { name: parsed.name, ...Object.fromEntries(parsed.params) };
};

describe('the partition parameter', () => {
  test('the documented example of a partition parameter is read', () => {
    assert.deepEqual(
      definition(
        'part2 : db_url=mysql://user:passwd@localhost/database; table_name = ds_table; ds_define_blacklist= list2= 4,6;',
      ),
      {
        name: 'part2',
        db_url: 'mysql://user:passwd@localhost/database',
        table_name: 'ds_table',
        ds_define_blacklist: 'list2= 4,6',
      },
    );
  });

  test('spaces, line breaks, empty parts and a missing parameter are accepted', () => {
    assert.deepEqual(definition(' p\n:\n  db_url =\n text:///d ;;\n attrs_avp=$avp(a=b) ; '), {
      name: 'p',
      db_url: 'text:///d',
      attrs_avp: '$avp(a=b)',
    });
    assert.deepEqual(definition('p:'), { name: 'p' });
  });

  test('a string may redirect the default partition', () => {
    assert.deepEqual(parsePartitionString('default: acme'), { kind: 'redirect', target: 'acme' });
    assert.deepEqual(parsePartitionString(' default:acme ; '), { kind: 'redirect', target: 'acme' });
    assert.deepEqual(definition('default: table_name=t'), { name: 'default', table_name: 't' });
  });

  test('malformed strings are refused without showing a value', () => {
    const bad = [
      '',
      'acme',
      ': a=b',
      'a b: c=d',
      'acme: geheim',
      'acme: db_url=x; geheim',
      'acme: =geheim',
      'acme: ge,heim=1',
      'acme: db_url=',
      'db_url=mysql://u:geheim@h/d',
      'default: default',
    ];
    for (const text of bad) {
      assert.throws(
        () => parsePartitionString(text),
        (error) =>
          error instanceof SwitchyardError && error.code === 'MODPARAM_SYNTAX' && !error.message.includes('geheim'),
        text,
      );
    }
  });

  test('any definition written out reads back; any text gives a result or the documented error', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/);
    const key = fc.stringMatching(/^[a-z_]{1,20}$/);
    // A pair of quotes around a value is removed.
    const value = fc
      .stringMatching(/^[!-:<-~]([ -:<-~]{0,20}[!-:<-~])?$/)
      .filter((text) => !/^(["']).*\1$/.test(text) || text.length === 1);
    const space = fc.stringMatching(/^[ \n\t]{0,2}$/);
    fc.assert(
      fc.property(name, fc.array(fc.tuple(key, value)), space, fc.boolean(), (partition, params, gap, trailing) => {
        const body = params.map(([k, v]) => `${gap}${k}${gap}=${gap}${v}${gap}`).join(';');
        const parsed = parsePartitionString(`${gap}${partition}${gap}:${body}${trailing ? ';' : ''}`);
        assert.deepEqual(parsed, { kind: 'definition', name: partition, params });
      }),
    );
    const token = fc.constantFrom('default', 'acme', ':', ';', '=', ' ', 'db_url', 'mysql://u:p@h/d', ',', '4');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(token).map((each) => each.join('')),
        ),
        (text) => {
          try {
            const parsed = parsePartitionString(text);
            assert.ok(parsed.kind === 'redirect' ? parsed.target !== '' : parsed.name !== '');
          } catch (error) {
            assert.ok(error instanceof SwitchyardError && error.code === 'MODPARAM_SYNTAX', String(error));
          }
        },
      ),
    );
  });
});

describe('the ds_define_blacklist parameter', () => {
  test('the documented examples of ds_define_blacklist are read', () => {
    assert.deepEqual(parseBlacklist('list= 1,4,3'), { name: 'list', sets: [1, 4, 3] });
    assert.deepEqual(parseBlacklist('blist2= 2,10,6'), { name: 'blist2', sets: [2, 10, 6] });
    assert.deepEqual(parseBlacklist(' a = 4 , 4,5 , '), { name: 'a', sets: [4, 5] });
  });

  test('malformed values of ds_define_blacklist are refused', () => {
    for (const text of ['', 'list', 'list=', '=1', 'list=a', 'list=1;2', 'list=-1', 'li st=1', 'list=9999999999']) {
      assert.throws(() => parseBlacklist(text), SwitchyardError, text);
    }
  });
});
