import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linesOf } from '../../support/script-run.js';

/**
 * An expression with asynchronous calls, and a statement after it; within an expression a call in Kamailio is 1 or 0.
 */
const CASES: readonly (readonly [title: string, statements: string, lines: readonly string[]])[] = [
  ['compared', 'if (route(MINUS) < 1) xlog("less\\n"); if (route(THREE) == 1) xlog("equal\\n");', ['less', 'equal']],
  ['in arithmetic', '$var(x) = 10 + route(THREE) * 2; xlog("$var(x)\\n");', ['12']],
  [
    'in its order',
    '$var(n) = 1; $var(x) = $var(n) * 10 + route(COUNT) + $var(n); xlog("$var(x) $var(n)\\n");',
    ['16 5'],
  ],
  ['negated', 'if (!(route(THREE) > 4)) xlog("not\\n");', ['not']],
  ['beside another', 'if (route(MINUS) > 0 || route(THREE) > 0 && route(MINUS) == 0) xlog("either\\n");', ['either']],
  ['not where the left side decides', 'if (1 == 2 && route(NOISY) > 0) xlog("no\\n"); xlog("on\\n");', ['on']],
  [
    'as the subject of a switch',
    'switch (route(THREE)) { case 2: xlog("two\\n"); break; case 3: xlog("three\\n"); }',
    ['three'],
  ],
  ['returned', '$var(x) = route(DOUBLE); xlog("$var(x)\\n");', ['4']],
  ['that ends the script', 'if (route(END) > 0) xlog("more\\n"); else xlog("other\\n");', []],
];

const ROUTES = `
route[MINUS] { usleep("1"); return -2; }
route[THREE] { usleep("1"); return 3; }
route[COUNT] { usleep("1"); $var(n) = 5; return 9; }
route[NOISY] { usleep("1"); xlog("noise\\n"); return 1; }
route[DOUBLE] { return (route(THREE) + 3); }
route[END] { usleep("1"); xlog("end\\n"); exit; }
`;

describe('a function that waits may be called anywhere in an expression', () => {
  for (const [title, statements, lines] of CASES) {
    test(title, async () => {
      const script = `request_route { ${statements} xlog("end\\n"); }${ROUTES}`;
      assert.deepEqual(await linesOf({ dialect: 'kamailio', modules: 'cfgutils', script }), lines);
    });
  }
});
