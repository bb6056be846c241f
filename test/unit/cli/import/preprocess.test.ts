import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { importCfg } from '../../../../src/cli/import/import-cfg.js';
import { preprocess } from '../../../../src/cli/import/preprocess.js';

const kept = (text: string) => preprocess(text).text.replace(/\s+/g, ' ').trim();

describe('the preprocessor of kamailio.cfg', () => {
  test('define replaces words outside strings, subst inside them, substdef both', () => {
    assert.equal(kept('#!define FLAGS 2\nmodparam("x", "FLAGS", FLAGS)'), 'modparam("x", "FLAGS", 2)');
    assert.equal(
      kept('#!subst "/HOST/db1/"\nmodparam("x", "db", "mysql://HOST/k")\nHOST'),
      'modparam("x", "db", "mysql://db1/k") HOST',
    );
    assert.equal(
      kept('#!substdef "!IP!10.0.0.1!g"\nlisten=udp:IP:5060\nx="IP"'),
      'listen=udp:10.0.0.1:5060 x="10.0.0.1"',
    );
    assert.equal(kept('#!substdefs "!NAME!a!g"\nx=NAME'), 'x="a"');
  });

  test('trydef keeps what is there, redefine does not', () => {
    assert.equal(kept('#!define A 1\n#!trydef A 2\n#!trydef B 3\nA B'), '1 3');
    assert.equal(kept('#!define A 1\n#!redefine A 2\nA'), '2');
  });

  test('ifdef, ifndef, else and endif leave parts out, nested ones too', () => {
    const text =
      '#!define X\n#!ifdef X\na\n#!ifdef Y\nb\n#!define Z\n#!else\nc\n#!endif\n#!else\nd\n#!endif\n#!ifndef Z\ne\n#!endif\nX';
    assert.equal(kept(text), 'a c e X');
  });

  test('comments are no directives, lines stay where they are', () => {
    const { text } = preprocess('# #!define A 1\n/* A\n#!ifdef B\n*/\nA\n#!ifdef B\nx\n#!endif\ny');
    assert.equal(text.split('\n')[4], 'A');
    assert.equal(text.split('\n')[8], 'y');
  });

  test('what is not carried out is told without its values', () => {
    assert.deepEqual(preprocess('a\n#!ifexp SECRET == "x"\n#!subst bad').notes, [
      { line: 2, text: 'preprocessor directive "ifexp" is not carried out' },
      { line: 3, text: 'preprocessor directive "subst" is not understood' },
    ]);
  });

  test('never throws', () => {
    const piece = fc.constantFrom(
      '#!define A B\n',
      '#!ifdef A\n',
      '#!else\n',
      '#!endif\n',
      '"',
      '/*',
      '*/',
      'A',
      '#!subst "/A/(/"\n',
    );
    fc.assert(fc.property(fc.array(fc.oneof(piece, fc.string())), (all) => void preprocess(all.join(''))));
  });
});

const KAMAILIO = `#!KAMAILIO
#!define DBURL "mysql://kamailio:s3cret@10.0.0.9/kamailio"
/* modparam("dispatcher", "flags", 9)
   modparam("dispatcher", "flags", 8) */
listen=udp:10.0.0.1:5060 advertise 203.0.113.7:5060 name "edge"
modparam("dispatcher", "db_url", DBURL)
#!ifdef WITH_FILE
modparam("dispatcher", "list_file", "/etc/kamailio/other.list")
#!endif
modparam('dispatcher', 'flags', 2)
modparam("ctl", "binrpc", "unix:/run/kamailio/kamailio_ctl")
modparam("jsonrpcs", "fifo_name", "/run/kamailio/kamailio_rpc.fifo")
request_route { if (!ds_select_routes("2=4;1=4", "r", "3")) exit; }
failure_route[X] { if (ds_next_domain()) t_relay(); }
`;

describe('import of kamailio.cfg with directives', () => {
  const { settings, partitions, notes } = importCfg(KAMAILIO);

  test('takes the parts that count, and the names of sockets', () => {
    assert.equal(partitions.get('default')?.['db_url'], 'mysql://kamailio:s3cret@10.0.0.9/kamailio');
    assert.deepEqual(settings['listen'], ['udp:10.0.0.1:5060 as 203.0.113.7:5060 name edge']);
    assert.deepEqual(settings['modparam'], { flags: 2 });
    assert.ok(!notes.join('\n').includes('s3cret'));
  });

  test("carries the doors of Kamailio's tools over as such", () => {
    assert.deepEqual(settings['mi'], {
      ctl: [{ socket_name: 'unix:/run/kamailio/kamailio_ctl' }],
      jsonrpc: { fifo_name: '/run/kamailio/kamailio_rpc.fifo' },
    });
  });

  test('ds_select_routes becomes a rule, its third argument the limit', () => {
    const [rule] = settings['routing'] as { select: unknown }[];
    assert.deepEqual(rule?.select, { rules: '2=4;1=4', flags: 'f', max_res: 3, fn: 'domain' });
  });
});
