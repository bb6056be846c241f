import assert from 'node:assert/strict';
import fc from 'fast-check';
import { detectDialect } from '../../src/cfg/source/detect-dialect.js';
import { cfgFile } from '../support/cfg-script.js';

/** A script of one dialect, as text. */
export interface ScriptSample {
  readonly dialect: 'opensips' | 'opensips-old' | 'kamailio';
  readonly text: string;
}

const name = fc.constantFrom('a', 'b', 'relay', 'x1');
const variable = fc.oneof(
  fc.constantFrom('$ru', '$rU', '$rd', '$rp', '$du', '$fU', '$ci', '$si', '$rm', '$rc', '$cs', '$ml', '$hdr(X)'),
  name.map((each) => `$var(${each})`),
  name.map((each) => `$avp(${each})`),
  fc.tuple(name, fc.constantFrom('0', '-1', '*', '$var(a)')).map(([each, index]) => `$(avp(${each})[${index}])`),
  fc
    .constantFrom('s.len', 's.int', 's.substr,1,2', 's.select,0,@', 'uri.host', 's.toupper', 're.subst,/a/b/g')
    .map((each) => `$(ru{${each}})`),
);
const literal = fc.oneof(
  fc.integer({ min: -(2 ** 33), max: 2 ** 33 }).map((each) => (each < 0 ? String(each) : String(each))),
  fc.constantFrom('""', '"abc"', '"sip:a@b"', '"^a.*b$"', "'q'", '010', '0x1f', '"a\\n\\"b"'),
);

const { expression } = fc.letrec<{ expression: string; operand: string }>((tie) => ({
  operand: fc.oneof(
    { depthSize: 'small' },
    variable,
    literal,
    tie('expression').map((each) => `(${each})`),
  ),
  expression: fc.oneof(
    { depthSize: 'small' },
    tie('operand'),
    fc
      .tuple(tie('operand'), fc.constantFrom('+', '-', '*', '/', '%', 'mod', '&', '|', '^', '<<', '>>'), tie('operand'))
      .map((parts) => parts.join(' ')),
  ),
}));

const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small' },
    fc
      .tuple(expression, fc.constantFrom('==', '!=', '<', '>', '<=', '>=', '=~', '!~', 'eq', 'ne'), expression)
      .map((parts) => parts.join(' ')),
    variable,
    fc.constantFrom('is_method("INVITE")', 'route(relay)', '1', 'uri==myself', 'src_ip==10.0.0.0/8'),
    fc
      .tuple(tie('condition'), fc.constantFrom('&&', '||', 'and', 'or'), tie('condition'))
      .map((parts) => parts.join(' ')),
    tie('condition').map((each) => `!(${each})`),
  ),
}));

const { statement } = fc.letrec<{ statement: string; block: string }>((tie) => ({
  block: fc.array(tie('statement'), { maxLength: 4 }).map((each) => `{ ${each.join('\n')} ; }`),
  statement: fc.oneof(
    { depthSize: 'small' },
    fc.tuple(variable, fc.constantFrom('=', ':=', '+=', '-='), expression).map((parts) => `${parts.join(' ')};`),
    expression.map((each) => `xlog("${each.replaceAll('"', '')}");`),
    fc.constantFrom(
      'exit;',
      'drop;',
      'break;',
      'return;',
      'return(1);',
      'return -1;',
      'route(a);',
      'route(none);',
      ';',
    ),
    fc.tuple(condition, tie('block')).map(([test, body]) => `if (${test}) ${body}`),
    fc.tuple(condition, tie('block'), tie('block')).map(([test, body, other]) => `if (${test}) ${body} else ${other}`),
    fc.tuple(condition, tie('block')).map(([test, body]) => `while (${test}) ${body}`),
    tie('block').map((body) => `for ($var(v) in $(avp(a)[*])) ${body}`),
    fc
      .tuple(variable, literal, tie('statement'), tie('statement'))
      .map(
        ([subject, label, body, other]) => `switch (${subject}) { case ${label}: ${body} break; default: ${other} }`,
      ),
    fc.constantFrom(
      '#!ifdef A\nexit;\n#!else\n;\n#!endif\n',
      '/* note */',
      '# note\n',
      '#!define A xlog("x");\n',
      'A\n',
    ),
  ),
}));

const body = fc.array(statement, { minLength: 1, maxLength: 8 }).map((each) => each.join('\n'));

/** Scripts that mostly follow the grammar. */
export const grammatical: fc.Arbitrary<ScriptSample> = fc
  .record({
    dialect: fc.constantFrom('opensips', 'opensips-old', 'kamailio'),
    main: body,
    a: body,
    relay: body,
  })
  .map(({ dialect, main, a, relay }) => ({
    dialect: dialect as ScriptSample['dialect'],
    text: `debug=1\nroute {\n${main}\n}\nroute[a] {\n${a}\n}\nroute[relay] {\n${relay}\n}\nfailure_route[f] {\n${a}\n}\n`,
  }));

/** Parts of files that are inserted in wrong positions. */
const PARTS = [
  '"',
  "'",
  '{',
  '}',
  '(',
  ')',
  ';',
  '/*',
  '*/',
  '#!endif',
  '#!ifdef X\n',
  '#!define X X X\n',
  '$(',
  '$',
  '\\',
  '\0',
];

type Edit = { readonly at: number; readonly length: number; readonly put: string };
const edit: fc.Arbitrary<Edit> = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  length: fc.nat(20),
  put: fc.oneof(fc.constant(''), fc.constantFrom(...PARTS), fc.string({ maxLength: 8 })),
});

/** Scripts with parts removed, inserted and duplicated. */
export const mutatedScript: fc.Arbitrary<ScriptSample> = fc
  .tuple(grammatical, fc.array(edit, { minLength: 1, maxLength: 6 }))
  .map(([{ dialect, text }, edits]) => {
    let changed = text;
    for (const { at, length, put } of edits) {
      const from = Math.floor(at * changed.length);
      changed = changed.slice(0, from) + put + changed.slice(from + length);
    }
    return { dialect, text: changed };
  });

/** Random bytes. */
export const garbage: fc.Arbitrary<ScriptSample> = fc
  .uint8Array({ maxLength: 2000 })
  .map((bytes) => ({ dialect: 'kamailio', text: Buffer.from(bytes).toString('latin1') }));

/** Parses, compiles and, if that succeeds, runs: nothing throws, and every problem has a position in the file. */
export function exerciseScript({ dialect, text }: ScriptSample): void {
  detectDialect(text);
  const file = cfgFile(dialect, text, { bounds: { work: 2000 } });
  const lines = text.split('\n').length;
  for (const { at, message } of file.problems) {
    assert.ok(at.line >= 1 && at.line <= lines && at.column >= 1, `${at.line}:${at.column} ${message}`);
    assert.ok(message.length > 0 && message.length < 600 && !/[\r\n]/.test(message), message);
  }
  if (file.script === undefined || file.problems.some(({ severity }) => severity === 'error')) return;
  for (const { kind, name: route } of file.script.routes) {
    const { outcome, faults } = file.run(kind, route);
    assert.notEqual(outcome, 'fault', faults.join('\n'));
  }
}
