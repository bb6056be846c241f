import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { importCfg } from '../../../../src/cli/import/import-cfg.js';

interface Carried {
  /** Rules with a selection: what they match, select and fall back to. */
  readonly rules: readonly (readonly [match: object, set: number | string, fallback?: number])[];
  /** Lines of selections and conditions on their source that are reported as not imported. */
  readonly left: readonly number[];
}

/** Published configuration files, and what their selections become. Nothing is ignored without an entry. */
const FILES: Readonly<Record<string, Carried>> = {
  'opensips-residential.cfg': {
    rules: [
      [{ $rm: 'INVITE', from_list: '1;port' }, 2],
      [{ $rm: 'INVITE' }, 1],
    ],
    left: [],
  },
  'opensips-partitions.cfg': {
    rules: [
      [{ $rU: '/^00/i' }, 1],
      [{ $rU: '/^[2-9][0-9]{3}$/i' }, 1],
    ],
    left: [],
  },
  'opensips-fallback.cfg': { rules: [[{}, 1, 2]], left: [] },
  'opensips-rtpproxy.cfg': { rules: [], left: [20] },
  'opensips-switch.cfg': { rules: [[{ $rm: 'REGISTER' }, 7]], left: [11] },
  'opensips-lists.cfg': {
    rules: [
      [{ from_list: '*', $si: '10.0.0.9' }, 3],
      [{ from_list: '1' }, 2],
      [{ from_list: '2;port;active' }, 1],
    ],
    left: [],
  },
  'kamailio-default.cfg': {
    rules: [
      [{ $rm: 'INVITE' }, 1],
      [{}, 1],
    ],
    left: [],
  },
  'kamailio-carriers.cfg': {
    rules: [
      [{ from_list: '1' }, 2],
      [{ from_list: '2;port' }, '1=4;3=9'],
    ],
    left: [],
  },
  'kamailio-registrar.cfg': { rules: [], left: [30, 34] },
  'kamailio-old.cfg': {
    rules: [
      [{ $si: '10.0.0.1' }, 2],
      [{}, 1],
    ],
    left: [],
  },
  'kamailio-edge.cfg': { rules: [[{ from_list: '10' }, 1]], left: [92] },
  'kamailio-countries.cfg': {
    rules: [
      [{ $rm: 'INVITE', $fd: 'pbx.example.net', $rU: '/^\\+49/i' }, 49],
      [{ $rm: 'INVITE', $fd: 'pbx.example.net', $rU: '/^\\+43/i' }, 43],
      [{ $rm: 'INVITE', $fd: 'pbx.example.net' }, 1],
    ],
    left: [],
  },
  'kamailio-websocket.cfg': {
    rules: [
      [{ $rm: 'REGISTER' }, 1],
      [{ $rm: 'INVITE' }, 1],
      [{ $rm: 'MESSAGE' }, 1],
    ],
    left: [],
  },
  'opensips-trunks.cfg': {
    rules: [
      [{ $rm: 'REGISTER', from_list: '1;port' }, 2],
      [{ $rm: 'MESSAGE', from_list: '1;port' }, 2],
      [{ from_list: '1;port' }, 2],
      [{ $rm: 'INVITE', $rU: '/^[0-9]{5,}$/i' }, 1],
    ],
    left: [],
  },
  'opensips-strip.cfg': {
    rules: [
      [{ $rm: 'REGISTER' }, 7],
      [{ $rm: 'INVITE', $ru: '/sip:9[0-9]+@/i' }, '1,2'],
    ],
    left: [],
  },
  'opensips-freeswitch.cfg': {
    rules: [
      [{ '$hdr(X-Tenant)': 'acme', $rm: 'INVITE' }, 4],
      [{ $rm: 'INVITE' }, 3],
    ],
    left: [],
  },
  'kamailio-fallback.cfg': { rules: [[{}, 1, 2]], left: [26] },
};

type Rule = {
  readonly match: object;
  readonly select?: { readonly set?: number; readonly rules?: string };
  readonly fallback?: readonly { readonly set: number }[];
};

describe('files as people publish them', () => {
  for (const [name, { rules, left }] of Object.entries(FILES)) {
    test(`${name}: ${rules.length} rules with a selection, ${left.length} selections left`, () => {
      const text = readFileSync(new URL(`./files/${name}`, import.meta.url), 'latin1');
      const imported = importCfg(text, name, { read: () => undefined });
      const found = (imported.settings['routing'] as unknown as readonly Rule[]).filter(
        ({ select }) => select !== undefined,
      );
      assert.deepEqual(
        found.map(({ match, select, fallback }) => [
          match,
          select?.set ?? select?.rules,
          ...(fallback ?? []).map(({ set }) => set),
        ]),
        rules,
      );
      const selections = imported.left.filter((each) => /^ds_\w+\(.*did not become a rule/.test(each.text));
      assert.deepEqual(
        selections.map(({ line }) => line),
        left,
      );
      // Each selection of the text is a rule, a fallback, or in the list.
      const calls = text
        .split('\n')
        .flatMap((line) => line.replace(/#.*/, '').match(/\bds_select_\w+\(/g) ?? []).length;
      const fallbacks = new Set(found.flatMap(({ fallback = [] }) => fallback.map((each) => JSON.stringify(each))));
      assert.ok(found.length + fallbacks.size + selections.length >= calls, `${calls} selections in the text`);
    });
  }
});
