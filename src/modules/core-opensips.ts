import { trimmed } from '../core/characters.js';
import type { PvarValue } from '../pvar/context.js';
import { compileFormat, type Format } from '../pvar/format.js';
import type { MessageRun } from '../script/call.js';
import { raiseEvent } from '../script/raised-events.js';
import { everyValue } from './avp-arguments.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  intOf,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';

function assign(arg: Arg | undefined, run: MessageRun, value: PvarValue): void {
  arg?.variable?.assign(run.pvars, value);
}

/** Seconds and microseconds of the current time. */
function time(run: MessageRun): readonly [seconds: number, microseconds: number] {
  const now = run.env.clock.now();
  return [Math.floor(now / 1000), (now % 1000) * 1000];
}

/** The values of a variable: all when it has "[*]", else its one value. */
function all(arg: Arg | undefined, run: MessageRun): readonly PvarValue[] {
  if (arg?.variable === undefined) return [];
  return arg.variable.values?.(run.pvars) ?? [arg.variable.evaluateValue(run.pvars)];
}

const core: FunctionSpec[] = [
  {
    name: 'avp_print',
    summary: 'writes all AVPs to the log, at level DEBUG',
    compile: () => (run) => {
      run.env.log.debug({ callId: run.message.callId }, 'script: avp_print()');
      return 1;
    },
  },
  {
    name: 'cache_raw_query',
    parameters: [param('store', 'string'), param('query', 'string'), optional('result', 'variable')],
    summary: 'always false: the local store has no queries',
    compile: () => () => -1,
  },
  {
    name: 'get_timestamp',
    parameters: [param('seconds', 'writable'), param('microseconds', 'writable')],
    summary: 'the time, in two variables',
    compile:
      ([seconds, micro]) =>
      (run) => {
        const [s, us] = time(run);
        assign(seconds, run, s);
        assign(micro, run, us);
        return 1;
      },
  },
  {
    name: 'pv_printf',
    parameters: [param('variable', 'writable'), param('text', 'string')],
    summary: 'writes a text with variables into a variable',
    compile:
      ([variable, text]) =>
      (run) => {
        assign(variable, run, textOf(text, run));
        return 1;
      },
  },
  {
    name: 'raise_event',
    parameters: [param('event', 'string'), optional('names', 'variable'), optional('values', 'variable')],
    summary: 'raises an event: its event_route runs',
    compile: ([event, names, values]) => {
      const ofValues = everyValue(values ?? names);
      const ofNames = everyValue(values === undefined ? undefined : names);
      return (run) => {
        const of = ofValues(run);
        const keys = ofNames(run);
        const params = new Map<string, PvarValue>(of.map((each, i) => [String(keys[i] ?? i + 1), each]));
        raiseEvent(run.env, textOf(event, run), params);
        return 1;
      };
    },
  },
  {
    name: 'script_trace',
    parameters: [optional('level', 'int'), optional('text', 'string'), optional('info', 'string')],
    summary: 'accepted: "switchyard explain --cfg" shows the statements that a script executes',
    compile: () => () => 1,
  },
  {
    name: 'subscribe_event',
    parameters: [param('event', 'string'), param('socket', 'string'), optional('expire', 'int')],
    summary: 'sends an event to a socket ("udp:host:port", "unix:/path") for some seconds',
    compile:
      ([event, socket, expire]) =>
      (run) => {
        const seconds = expire === undefined ? undefined : intOf(expire, run, 0);
        const fault = run.env.services.subscribe(textOf(event, run), textOf(socket, run), seconds);
        return fault === undefined ? 1 : run.refused('subscribe_event', fault);
      },
  },
  {
    name: 'add_blacklist_rule',
    parameters: [param('list', 'string'), param('rule', 'string'), optional('expire', 'int')],
    summary: 'always false: lists are defined in the file, or made from sets',
    compile: () => () => -1,
  },
  {
    name: 'del_blacklist_rule',
    parameters: [param('list', 'string'), param('rule', 'string')],
    summary: 'always false: lists are defined in the file, or made from sets',
    compile: () => () => -1,
  },
];

/**
 * Parses "$avp(a);$avp(b)", which takes the parameters of an event in order, or "name=$avp(a)", which takes one by
 * name.
 */
function eventTargets(text: string): readonly { readonly name: string | undefined; readonly target: Format }[] {
  return text
    .split(/[;,]/)
    .map((each) => trimmed(each))
    .filter((each) => each !== '')
    .map((each) => {
      const equals = each.startsWith('$') ? -1 : each.indexOf('=');
      const variable = trimmed(each.slice(equals + 1));
      const target = compileFormat(variable);
      if (!target.writable) throw new Error(`${variable} is read-only`);
      return { name: equals < 0 ? undefined : trimmed(each.slice(0, equals)), target };
    });
}

const eventRoute: FunctionSpec[] = [
  {
    name: 'fetch_event_params',
    until: 2,
    parameters: [param('variables', 'literal')],
    routes: ['event'],
    summary: 'assigns parameters of the event to variables, in order or by name',
    compile: ([variables]) => {
      const targets = eventTargets(variables?.text ?? '');
      return (run) => {
        const { params } = run.pvars;
        const inOrder = [...params.values()];
        for (const [i, { name, target }] of targets.entries())
          target.assign(run.pvars, (name === undefined ? inOrder[i] : params.get(name)) ?? null);
        return 1;
      };
    },
  },
];

const cfgutils: FunctionSpec[] = [
  {
    name: 'rand_get_prob',
    summary: 'the probability of rand_event()',
    compile: () => (run) => run.env.modules.module('cfgutils').int('initial_probability', 10),
  },
  ...['pkg_status', 'shm_status'].map(
    (name): FunctionSpec => ({
      name,
      summary: 'accepted without effect; the metrics show memory',
      compile: () => () => 1,
    }),
  ),
  {
    name: 'set_count',
    parameters: [param('variable', 'variable'), param('result', 'writable')],
    summary: 'writes the number of values of a variable to another',
    compile:
      ([variable, result]) =>
      (run) => {
        assign(result, run, all(variable, run).filter((each) => each !== null).length);
        return 1;
      },
  },
  {
    name: 'set_select_weight',
    parameters: [param('weights', 'variable')],
    summary: 'a position of a list, by its weights',
    compile:
      ([weights]) =>
      (run) => {
        const list = all(weights, run).map((each) => Math.max(0, Number(each) || 0));
        const sum = list.reduce((total, each) => total + each, 0);
        if (sum === 0) return -1;
        let rest = run.env.random.uint32() % sum;
        const at = list.findIndex((each) => (rest -= each) < 0);
        return at === 0 ? list.length : at;
      },
  },
  {
    name: 'ts_usec_delta',
    parameters: [
      param('seconds', 'int'),
      param('microseconds', 'int'),
      param('other seconds', 'int'),
      param('other microseconds', 'int'),
      param('text', 'writable'),
      optional('number', 'writable'),
    ],
    summary: 'the time between two times, in microseconds',
    compile:
      ([s1, us1, s2, us2, text, number]) =>
      (run) => {
        const delta = Math.abs(
          (intOf(s1, run, 0) - intOf(s2, run, 0)) * 1_000_000 + intOf(us1, run, 0) - intOf(us2, run, 0),
        );
        assign(text, run, String(delta));
        if (delta > 0x7fff_ffff) return -1;
        assign(number, run, delta);
        return 1;
      },
  },
  {
    name: 'get_accurate_time',
    parameters: [param('seconds', 'writable'), param('microseconds', 'writable'), optional('text', 'writable')],
    summary: 'the time, in variables',
    compile:
      ([seconds, micro, text]) =>
      (run) => {
        const [s, us] = time(run);
        assign(seconds, run, s);
        assign(micro, run, us);
        assign(text, run, `${s}.${String(us).padStart(6, '0')}`);
        return 1;
      },
  },
  {
    name: 'shuffle_avps',
    parameters: [param('variable', 'writable')],
    summary: 'shuffles the values of an AVP',
    compile:
      ([variable]) =>
      (run) => {
        const name = /^\$\(?avp\(([^)]+)\)/.exec(variable?.text ?? '')?.[1];
        if (name === undefined) return -1;
        const values = run.pvars.avps.all(name).slice();
        for (let i = values.length - 1; i > 0; i--) {
          const other = run.env.random.uint32() % (i + 1);
          const held = values[i] ?? '';
          values[i] = values[other] ?? '';
          values[other] = held;
        }
        run.pvars.avps.replace(name, values);
        return 1;
      },
  },
];

const transactions: FunctionSpec[] = [
  {
    name: 't_add_hdrs',
    parameters: [param('lines', 'string')],
    summary: 'adds header lines to the request on all its branches',
    compile:
      ([lines]) =>
      (run) => {
        run.edits.insert(run.message.headersEnd, textOf(lines, run));
        return 1;
      },
  },
  {
    name: 't_add_cancel_reason',
    parameters: [param('header', 'string')],
    summary: 'replaces the Reason of the forwarded CANCEL',
    compile:
      ([header]) =>
      (run) => {
        const text = textOf(header, run);
        run.call.cancelLines = text.endsWith('\r\n') ? text : `${text}\r\n`;
        return 1;
      },
  },
  ...(
    [
      ['t_wait_for_new_branches', [optional('branch', 'int')]],
      ['t_wait_no_more_branches', []],
      ['t_inject_branches', [param('source', 'string'), optional('flags', 'string')]],
      [
        't_reply_by_callid',
        [param('code', 'int'), param('reason', 'string'), optional('Call-ID', 'string'), optional('CSeq', 'string')],
      ],
    ] as const
  ).map(
    ([name, parameters]): FunctionSpec => ({
      name,
      parameters,
      summary: 'always false: no branches are added to a pending transaction',
      compile: () => () => -1,
    }),
  ),
];

const replies: FunctionSpec[] = [
  {
    name: 'append_time',
    summary: 'adds Date to replies of this proxy',
    compile: () => (run) => {
      run.call.replyLines += `Date: ${new Date(run.env.clock.now()).toUTCString()}\r\n`;
      return 1;
    },
  },
  ...['ruri_tel2sip', 'tel2sip'].map(
    (name): FunctionSpec => ({
      name,
      ...(name === 'tel2sip' ? { until: 2 } : {}),
      summary: 'converts a tel request-URI to a SIP URI',
      compile: () => (run) => {
        const match = /^tel:([^;?]+)/i.exec(run.call.requestUri);
        if (match === null) return code(/^sips?:/i.test(run.call.requestUri));
        const host = run.env.aliases[0]?.host ?? run.source.socket.sentBy;
        run.pvars.setRequestUri(`sip:${(match[1] ?? '').replace(/[-.()]/g, '')}@${host};user=phone`);
        return 1;
      },
    }),
  ),
];

function opensips(specs: readonly FunctionSpec[]): FunctionSpec[] {
  return specs.map((each) => ({ dialects: OPENSIPS, ...each }));
}

/** Functions that only OpenSIPS has: of its core, and of some small modules. */
export const opensipsCoreFunctions: ScriptFunction[] = [
  ...moduleFunctions('core', opensips(core)),
  ...moduleFunctions('cfgutils', opensips(cfgutils)),
  ...moduleFunctions('event_route', opensips(eventRoute)),
  ...moduleFunctions('tm', opensips(transactions)),
  ...moduleFunctions('sipmsgops', opensips(replies)),
];
