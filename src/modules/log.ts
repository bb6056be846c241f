import type { CallSite, FunctionClosure } from '../cfg/function-table.js';
import { trimEnd } from '../core/characters.js';
import { logLevel, type NamedLevel, type ScriptLevel } from '../route/functions/log-levels.js';
import type { MessageRun } from '../script/call.js';
import {
  type Arg,
  type Args,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
} from './define.js';

const NUMBERED: ReadonlyMap<number, ScriptLevel> = new Map([
  [-3, 'ALERT'],
  [-2, 'CRITICAL'],
  [-1, 'ERROR'],
  [0, 'WARNING'],
  [1, 'NOTICE'],
  [2, 'INFO'],
  [3, 'DEBUG'],
]);

function write(run: MessageRun, level: ScriptLevel, rank: number, text: string): number {
  if (rank > run.env.logLimits.xlog) return 1;
  const { logPrefix, linePrefix } = run.env;
  const line = logPrefix === '' ? text : `${logPrefix}:${level}:${text}`;
  run.env.output(level, line, run.message.callId, linePrefix?.evaluate(run.pvars));
  return 1;
}

function checkLevel(constant: string | number): string | undefined {
  return typeof constant === 'string' && logLevel(constant) === undefined
    ? `"${constant}" is not a log level`
    : undefined;
}

/** Names of syslog(3) facilities. */
export const FACILITY = /^LOG_(?:AUTH|AUTHPRIV|CRON|DAEMON|FTP|KERN|LOCAL[0-7]|LPR|MAIL|NEWS|SYSLOG|USER|UUCP)$/i;

function checkFacility(constant: string | number): string | undefined {
  return FACILITY.test(String(constant)) ? undefined : `"${constant}" is not a facility of syslog`;
}

/** Compiles xlog([level,] text), which writes `before` before the text; the level may be a variable. */
function xlog(fallback: NamedLevel, before = '') {
  return ([first, second]: readonly (Arg | undefined)[]): FunctionClosure<MessageRun> => {
    const text = second ?? first;
    if (text === undefined) throw new Error('needs a text');
    if (second === undefined || first === undefined) {
      return (run) => write(run, fallback.level, fallback.rank, before + text.string(run));
    }
    const fixed = first.constant === undefined ? undefined : logLevel(String(first.constant));
    if (fixed !== undefined) {
      const { level, rank } = fixed;
      return (run) => (rank <= run.env.logLimits.xlog ? write(run, level, rank, before + text.string(run)) : 1);
    }
    return (run) => {
      const number = first.int(run);
      const { level, rank } =
        number === undefined
          ? (logLevel(first.string(run)) ?? fallback)
          : { level: NUMBERED.get(number) ?? 'INFO', rank: number };
      return write(run, level, rank, before + text.string(run));
    };
  };
}

/** Kamailio's levels by the third letter of their names, the only one it reads. */
const LETTERS: Readonly<Record<string, string>> = {
  A: 'ALERT',
  B: 'BUG',
  C: 'CRIT',
  E: 'ERR',
  W: 'WARN',
  N: 'NOTICE',
  I: 'INFO',
  D: 'DBG',
};

/** The level in Kamailio's xlog() ("L_INFO"); undefined for a text that Kamailio refuses at its start. */
function kamailioLevel(text: string): NamedLevel | undefined {
  const name = LETTERS[text.charAt(2)];
  return name === undefined ? undefined : ((text.startsWith('L_') ? logLevel(text) : undefined) ?? logLevel(name));
}

/** Compiles Kamailio's xlog(level, text): the level is a name, or a variable with a name or number. */
function levelled(level: Arg | undefined, line: Arg | undefined, before = ''): FunctionClosure<MessageRun> {
  if (level === undefined || line === undefined) throw new Error('needs a level and a text');
  if (level.text.startsWith('$')) return xlog(AT_ERROR, before)([level, line]);
  const named = kamailioLevel(level.text);
  if (named === undefined) throw new Error(`"${trimEnd(level.text)}" is not a log level`);
  const { rank } = named;
  return (run) => (rank <= run.env.logLimits.xlog ? write(run, named.level, rank, before + line.string(run)) : 1);
}

const AT_NOTICE: NamedLevel = { level: 'NOTICE', rank: 2 };
const AT_ERROR: NamedLevel = { level: 'ERROR', rank: -1 };
const AT_DEBUG: NamedLevel = { level: 'DEBUG', rank: 4 };

const text = param('text', 'string');

const fixedLevels: FunctionSpec[] = [
  ['xalert', 'ALERT'],
  ['xbug', 'BUG'],
  ['xcrit', 'CRIT'],
  ['xerr', 'ERR'],
  ['xwarn', 'WARN'],
  ['xnotice', 'NOTICE'],
  ['xinfo', 'INFO'],
  ['xdbg', 'DBG'],
].map(([name, level]) => {
  const { level: word, rank } = logLevel(level as string) as NamedLevel;
  return {
    name: name as string,
    dialects: KAMAILIO,
    parameters: [text],
    summary: `writes a line at level ${word}`,
    compile:
      ([line]) =>
      (run) =>
        write(run, word, rank, (line as Arg).string(run)),
  };
});

/** Functions that write to the log. */
export const logFunctions: ScriptFunction[] = [
  ...moduleFunctions('core', [
    {
      name: 'xlog',
      dialects: OPENSIPS,
      parameters: [param('level or text', 'string'), optional('text', 'string')],
      summary: 'writes a line to the log',
      compile: (args) => {
        const [first, second] = args;
        if (first?.constant === '' || second?.constant === '') throw new Error('the text is empty');
        if (second !== undefined && first?.constant !== undefined) {
          const wrong = checkLevel(first.constant);
          if (wrong !== undefined) throw new Error(wrong);
        }
        return xlog(AT_NOTICE)(args);
      },
    },
  ]),
  ...moduleFunctions('core', [
    {
      name: 'xdbg',
      until: 2,
      dialects: OPENSIPS,
      parameters: [text],
      summary: 'writes a line at level DEBUG',
      compile:
        ([line]) =>
        (run) =>
          write(run, 'DEBUG', 4, (line as Arg).string(run)),
    },
  ]),
  ...moduleFunctions('xlog', [
    {
      name: 'xlog',
      dialects: KAMAILIO,
      parameters: [text],
      summary: 'writes a line to the log',
      compile: (args) => xlog(AT_ERROR)(args),
    },
    {
      name: 'xlog',
      dialects: KAMAILIO,
      parameters: [param('level', 'string'), text],
      summary: 'writes a line to the log',
      compile: ([level, line]) => levelled(level, line),
    },
    {
      name: 'xlog',
      dialects: KAMAILIO,
      parameters: [param('facility', 'string', { check: checkFacility }), param('level', 'string'), text],
      summary: 'writes a line to the log; the facility is ignored',
      compile: ([, level, line]) => levelled(level, line),
    },
    ...['xlogl', 'xlogm'].flatMap((name): FunctionSpec[] => [
      ...(name === 'xlogl'
        ? [
            {
              name,
              dialects: KAMAILIO,
              parameters: [text],
              summary: 'writes a line to the log, with the line of the file before it',
              compile: (args: Args, { at }: CallSite) => xlog(AT_ERROR, `${at.line}:`)(args),
            },
          ]
        : []),
      {
        name,
        dialects: KAMAILIO,
        parameters: [param('level', 'string'), text],
        summary:
          name === 'xlogl'
            ? 'writes a line to the log, with the line of the file before it'
            : 'writes a line to the log',
        compile: ([level, line]: Args, { at }: CallSite) =>
          levelled(level, line, name === 'xlogl' ? `${at.line}:` : ''),
      },
    ]),
    {
      name: 'xlogl',
      dialects: KAMAILIO,
      parameters: [param('facility', 'string', { check: checkFacility }), param('level', 'string'), text],
      summary: 'writes a line to the log; the facility is ignored',
      compile: ([, level, line], { at }) => levelled(level, line, `${at.line}:`),
    },
    {
      name: 'xdbgl',
      dialects: KAMAILIO,
      parameters: [text],
      summary: 'writes a line at level DEBUG',
      compile:
        ([line]) =>
        (run) =>
          write(run, 'DEBUG', 4, (line as Arg).string(run)),
    },
    ...fixedLevels,
  ]),
  ...moduleFunctions('core', [
    {
      name: 'log',
      dialects: OPENSIPS,
      parameters: [param('level or text', 'string'), optional('text', 'string')],
      summary: 'writes a text without variables to the log',
      compile: (args) => xlog(AT_DEBUG)(args),
    },
    {
      name: 'log',
      dialects: KAMAILIO,
      parameters: [param('text', 'literal')],
      keepsReturnCode: true,
      summary: 'writes a text without variables to the log at level debug',
      compile: () => () => 1,
    },
    {
      name: 'log',
      dialects: KAMAILIO,
      parameters: [
        param('level', 'int', {
          strict: true,
          check: (level) => (Number(level) < 0 ? 'level must not be negative' : undefined),
        }),
        param('text', 'literal'),
      ],
      keepsReturnCode: true,
      summary: 'writes a text without variables to the log',
      compile: ([first, second]) => {
        const line = second as Arg;
        const rank = Number(first?.constant ?? 0);
        const level = NUMBERED.get(rank) ?? 'DEBUG';
        return (run) => (rank <= 1 ? write(run, level, -4, line.text) : 1);
      },
    },
  ]),
];
