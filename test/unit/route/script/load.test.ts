import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { SwitchyardError } from '../../../../src/core/errors.js';
import { positionOf } from '../../../../src/route/script/fault.js';
import { loadScript } from '../../../../src/route/script/load.js';
import type { RequestRoute } from '../../../../src/route/script/request-route.js';
import { PACKAGE_URL } from '../../../support/program.js';

const folder = mkdtempSync(join(tmpdir(), 'switchyard-scripts-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, ...lines: string[]): string {
  const file = join(folder, name);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

const load = (file: string) => loadScript(file, PACKAGE_URL);

/** The result of a script that calls nothing. */
const call = async (file: string): Promise<unknown> => (await load(file)).routes.request({} as RequestRoute);

async function refusal(file: string): Promise<string> {
  try {
    await load(file);
  } catch (error) {
    assert.ok(error instanceof SwitchyardError);
    assert.equal(error.code, 'SCRIPT_INVALID');
    return error.message.replaceAll(folder, '');
  }
  return 'loaded';
}

describe('loading a route script', () => {
  test('accepts JavaScript and TypeScript, which may import the package and files of their own', async () => {
    write('numbers.ts', 'export const five: number = 5;');
    const typescript = write(
      'route.ts',
      "import { defineRoutes, type RequestRoute } from 'switchyard';",
      "import { five } from './numbers.js';",
      'export const routes = defineRoutes({ request: (_r: RequestRoute) => five });',
    );
    assert.equal(await call(typescript), 5);
    // With another name: under Node 24 tsx, which may run the tests, loads route.ts for route.js.
    const javascript = write(
      'javascript.js',
      "import { defineRoutes } from 'switchyard';",
      'export default defineRoutes({ request: () => 6 });',
    );
    assert.equal(await call(javascript), 6);
    assert.equal(await call(write('plain.mjs', 'export const routes = { request: () => 7 };')), 7);
  });

  test('reads the script and its imports again each time', async () => {
    write('value.js', 'export const value = 1;');
    const script = write(
      'again.js',
      "import { value } from './value.js';",
      'export const routes = { request: () => value };',
    );
    assert.equal(await call(script), 1);
    write('value.js', 'export const value = 2;');
    assert.equal(await call(script), 2);
  });

  test('reports errors at run time with the lines of the source, also of TypeScript', async () => {
    const lines = [
      '// one',
      '// two',
      'export const routes = {',
      '  request() {',
      "    throw new Error('x');",
      '  },',
      '};',
    ];
    for (const name of ['fault.js', 'fault.ts']) {
      const file = write(
        name,
        ...(name.endsWith('ts') ? ['interface Unused {', '  readonly x: string;', '}'] : []),
        ...lines,
      );
      const { routes } = await load(file);
      assert.throws(
        () => routes.request({} as RequestRoute),
        (thrown) => {
          assert.deepEqual(positionOf(thrown, file), { file, line: name.endsWith('ts') ? 8 : 5 });
          return true;
        },
      );
    }
  });
});

describe('a route script that cannot be loaded', () => {
  const table: [name: string, lines: string[], expected: RegExp][] = [
    [
      'syntax.js',
      ['export const routes = {', '  request() { const x = ; },', '};'],
      /\/syntax\.js:2: Unexpected token/,
    ],
    ['syntax.ts', ['export const routes = {', '  request() { const x: = 5; },', '};'], /\/syntax\.ts:2: Unexpected/],
    ['throws.js', ['', "throw new Error('at load');"], /\/throws\.js:2: at load/],
    [
      'name.js',
      ["import { nothing } from 'switchyard';"],
      /\/name\.js:1: .*does not provide an export named 'nothing'/,
    ],
    ['missing.js', ['', "import './not-there.js';"], /\/missing\.js:2: Cannot find module/],
    ['empty.js', [''], /\/empty\.js:1: must export "routes".*exports nothing/],
    ['other.js', ['', 'export const route = {};'], /\/other\.js:2: must export "routes".*exports route/],
    ['none.js', ['export const routes = {};'], /\/none\.js:1: has no request route/],
    [
      'kinds.js',
      ['export const routes = {', '  request: 5,', '  failures: {},', '  branch: [],', '  event: { E: 1 },', '};'],
      /kinds\.js:3: unknown kind of route "failures" \(did you mean "failure"\?\); .*kinds\.js:2: request route is not a function; .*kinds\.js:4: "branch" must hold functions by name; .*kinds\.js:5: event route "E" is not a function/,
    ],
    [
      'async.js',
      ['export const routes = {', '  request() {},', '  reply: {', '    async BACK() {},', '  },', '};'],
      /async\.js:4: reply route "BACK" must not be async/,
    ],
  ];
  for (const [name, lines, expected] of table) {
    test(name, async () => {
      assert.match(await refusal(write(name, ...lines)), expected);
    });
  }

  test('names functions that do not exist, values that do not exist, and wrong numbers of arguments, by line and column', async () => {
    write('helper.js', 'export async function other(route) {', '  await 1;', '  route.xlog();', '}');
    const reasons = (
      await refusal(
        write(
          'calls.js',
          "import { other } from './helper.js';",
          'function pick(r, set) { return r.ds_select_dst(set); }',
          "const answer = (r) => r.send_replay(404, 'Not Found');",
          'export const routes = {',
          '  request(r) { pick(r, 1); answer(r); other(r); return r.retcod; },',
          '  branch: { A: (b) => b.t_relay() },',
          '  reply: { B(reply) { return reply.code() > 1; } },',
          '};',
        ),
      )
    ).split('; /');
    assert.deepEqual(reasons, [
      'route script /calls.js:2:34: ds_select_dst() takes 2 to 5 arguments, not 1',
      'calls.js:3:25: unknown function send_replay(); did you mean send_reply()?',
      'helper.js:3:9: xlog() takes 1 to 2 arguments, not 0',
      'calls.js:5:58: unknown value "retcod"; did you mean "retcode"?',
      'calls.js:6:25: t_relay() is not allowed in a branch route, only in routes of kind request, failure',
      'calls.js:7:36: code is not a function',
    ]);
    const typed = write(
      'calls.ts',
      'interface Unused { readonly x: string }',
      'type Route = { xlog(text: string): boolean };',
      'export const routes = {',
      '  request: (r: Route): boolean => r.xlgo("a"),',
      '};',
    );
    assert.equal(await refusal(typed), 'route script /calls.ts:4:37: unknown function xlgo(); did you mean xlog()?');
  });

  test('names constants that a function would refuse each time, by line and column', async () => {
    const file = write(
      'constants.js',
      'export const routes = {',
      '  request(r) {',
      "    r.ds_select_dst('1,2', '4,4,4');",
      "    r.ds_select_dst(1, 'round-robbin');",
      "    r.ds_list_exists('main');",
      "    r.t_on_failure('NXT');",
      "    r.send_reply(99, 'x');",
      '    r.mf_process_maxfwd_header(`0`);',
      "    r.is_method('INVITE|INVTE');",
      "    r.xlog('L_WARNIN', 'no ' + r.ru);",
      "    r.xlog('from $fX');",
      "    r.set('$ci', 'x');",
      "    r.append_hf('Via: x');",
      "    r.remove_hf('CSeq');",
      "    r.append_to_reply('no field');",
      "    r.ds_is_from_list(-1, 'any');",
      "    r.ds_select_routes('1=4', 'q');",
      "    r.ds_mark_addr('down', 1, 'sip:x');",
      '  },',
      "  failure: { NEXT(f) { f.t_check_status('5(0'); f.get_redirects('two'); } },",
      '};',
    );
    assert.deepEqual((await refusal(file)).replace('route script ', '').split('; /constants.js:'), [
      '/constants.js:3:7: ds_select_dst(): 2 sets but 3 algorithms',
      '4:7: ds_select_dst(): algorithm "round-robbin" is neither a number nor the name of one; did you mean "round-robin"?',
      '5:22: ds_list_exists(): set "main" is not a number',
      '6:20: t_on_failure(): no failure route "NXT"; did you mean "NEXT"?',
      '7:18: send_reply(): 99 is not a status code',
      '8:32: mf_process_maxfwd_header(): 0 is not a limit',
      '9:17: is_method(): unknown method "INVTE" in a list',
      '10:7: xlog(): "L_WARNIN" is not a log level; did you mean "L_WARNING"?',
      '11:12: xlog(): unknown variable $fX at offset 5 of "from $fX"; did you mean $fu?',
      '12:11: set(): "$ci" is not a single variable that can be set',
      '13:17: append_hf(): header Via cannot be added',
      '14:17: remove_hf(): header CSeq cannot be removed',
      '15:23: append_to_reply(): not a header line',
      '16:27: ds_is_from_list(): "any" is not a number',
      '17:31: ds_select_routes(): mode "q" is not one of d, r, x',
      '18:20: ds_mark_addr(): state "down" is not one of a, i, d, t, p',
      '20:41: t_check_status(): Invalid regular expression: /5(0/: Unterminated group',
      '20:65: get_redirects(): "two" is not a number of Contacts',
    ]);
  });

  test('constants that some form of a function understands are not refused', async () => {
    const file = write(
      'forms.js',
      'const set = process.argv.length;',
      'export const routes = {',
      '  request(r) {',
      "    r.ds_select_dst('part:1, 2', '0,4', 'fuD M 5, fuS M 2'); r.ds_select_dst(1, 4, 2); r.ds_select_dst(set, 4, 'f', '', 3);",
      "    r.ds_select_dst('$var(set)', 'round-robin'); r.ds_select(1, 4); r.ds_select_routes('2=4;1=4', 'x', 0, '');",
      "    r.t_on_failure(''); r.t_on_failure('NEXT'); r.t_on_reply('$avp(r)'); r.xlog('warn', 'x $ru'); r.xlog('100 %');",
      "    r.set('$avp(x)', null); r.get('$fU@$ci'); r.ds_is_in_list('$si', 0, 'part:'); r.ds_is_in_list('$si', '', -1, true);",
      "    r.append_hf('X-Way: $du\\r\\n'); r.append_hf('X-A: 1\\r\\nX-B: 2'); r.is_method('FOO'); r.send_reply('$rs', 'x');",
      "    r.ds_dsg_fetch('p:1', 'sip:a'); r.ds_oc_set_attrs(1, 'sip:a', '50', 500, 1, 'p'); r.ds_count(1, 'a', '$var(n)');",
      '  },',
      "  failure: { NEXT(f) { f.get_redirects('2:1'); f.get_redirects('*'); f.t_check_status('408|5[0-9]{2}'); } },",
      '};',
    );
    assert.equal(await refusal(file), 'loaded');
  });

  test('partitions and black lists that the settings do not have are refused, with the nearest that they have', async () => {
    const file = write(
      'names.js',
      'export const routes = {',
      '  request(r) {',
      "    r.ds_select_dst(1, 4, 'f', 'acmee');",
      "    r.ds_select_dst('globx:2', 4);",
      "    r.ds_next_dst('nowhere-at-all');",
      "    r.ds_is_active('acem:1');",
      "    r.use_blacklist('fraude');",
      "    r.ds_select_dst('acme:1', 4); r.ds_next_dst('globex'); r.use_blacklist('fraud'); r.unuse_blacklist('all');",
      "    r.ds_select_dst(1, 4, 'f', ''); r.ds_next_dst('$var(p)'); r.use_blacklist('$avp(b)'); r.ds_is_active('$var(p):1');",
      '  },',
      '};',
    );
    const names = { partitions: ['acme', 'globex'], blacklists: ['fraud'] };
    const reason = await loadScript(file, PACKAGE_URL, { names }).then(
      () => 'loaded',
      (error: unknown) => (error as Error).message,
    );
    assert.deepEqual(
      reason
        .replace('route script ', '')
        .replaceAll(`${file}:`, '')
        .split(/; (?=\d+:)/),
      [
        '3:32: ds_select_dst(): no partition "acmee"; did you mean "acme"?',
        '4:21: ds_select_dst(): no partition "globx"; did you mean "globex"?',
        '5:19: ds_next_dst(): no partition "nowhere-at-all"',
        '6:20: ds_is_active(): no partition "acem"; did you mean "acme"?',
        '7:21: use_blacklist(): no black list "fraude"; did you mean "fraud"?',
      ],
    );
    assert.equal(await refusal(file), 'loaded');
  });

  test('values known only at run time are not refused', async () => {
    const file = write(
      'open.js',
      'function mine(r) { r.mine = () => 1; return r.mine(); }',
      'function other(r) { const f = (r) => r.free(); return f({ free: () => 2 }); }',
      "const args = ['$fU'];",
      'export const routes = {',
      "  request(r) { mine(r); other(r); r.xlog(...args); r.maybe?.(); r['xl' + 'og']('x'); return r.hasOwnProperty('a'); },",
      '  failure: { F: function ({ code }) { return code; } },',
      '};',
    );
    assert.equal(await refusal(file), 'loaded');
  });

  test('is missing', async () => {
    assert.match(await refusal(join(folder, 'nowhere.js')), /\/nowhere\.js cannot be read: no such file/);
  });
});
