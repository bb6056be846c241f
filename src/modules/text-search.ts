import { compileFormat } from '../pvar/format.js';
import type { MessageRun } from '../script/call.js';
import { editRequestUri } from './core-uri.js';
import { type Arg, code, type FunctionSpec, KAMAILIO, OPENSIPS, param, textOf } from './define.js';
import { anyCaseByLine, byLine } from './patterns.js';
import { editBySubstitution, parseSubstitution, replaceText, type Substitution, substituted } from './subst.js';

function substitution(arg: Arg | undefined, lines: boolean): (run: MessageRun) => Substitution {
  const read = (text: string): Substitution =>
    parseSubstitution(text, lines, (format) => {
      const compiled = compileFormat(format);
      return (run) => compiled.evaluate(run.pvars);
    });
  if (arg?.constant !== undefined) {
    const fixed = read(String(arg.constant));
    return () => fixed;
  }
  const fixed = read((arg as Arg).text);
  return () => fixed;
}

function search(run: MessageRun, regex: Arg, from: number, to: number): number {
  const compiled = anyCaseByLine(regex.string(run));
  return code(compiled.test(run.message.text.slice(from, to)));
}

/**
 * Offset at which searching in the header part begins: after the first line in Kamailio's subst, at the start
 * otherwise.
 */
function afterFirstLine(run: MessageRun): number {
  return run.message.headersStart;
}

/** Replaces the first match of a regular expression, or all matches, in a part of the message. */
function replace(run: MessageRun, regex: Arg, text: string, from: number, to: number, all: boolean): number {
  const compiled = regex.regex(run) ?? byLine(regex.string(run));
  const part = run.message.text.slice(from, to);
  let at = 0;
  let found = 0;
  while (found < 256) {
    const match = compiled.match(part, at);
    if (match === undefined) break;
    // As recorded, Kamailio replaces nothing when the match is empty.
    if (all && match.end === match.start && run.env.dialect === 'kamailio') break;
    found++;
    replaceText(run, from + match.start, from + match.end, text);
    at = match.end === match.start ? match.end + 1 : match.end;
    if (!all) break;
  }
  return code(found > 0);
}

/** As recorded, Kamailio uses these patterns as written, line by line, and ignores letter case. */
export const regexParam = param('pattern', 'regex', { lines: true });

/** Functions of Kamailio's textops that replace what a pattern matches. */
export const kamailioReplacements: FunctionSpec[] = [
  {
    name: 'subst_hf',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), param('substitution', 'literal'), param('flags', 'string')],
    summary: 'substitutes in a header: the first, the last or all',
    compile: ([name, text, flags]) => {
      const read = substitution(text, false);
      return (run) => {
        const s = read(run);
        const all = [...run.fields(textOf(name, run))];
        const which = textOf(flags, run);
        const chosen = which === 'f' ? all.slice(0, 1) : which === 'l' ? all.slice(-1) : all;
        let found = 0;
        for (const field of chosen) found += editBySubstitution(s, run, field.value, field.end);
        return code(found > 0);
      };
    },
  },
  {
    name: 'replace_all',
    parameters: [regexParam, param('text', 'string')],
    summary: 'replaces all matches',
    compile:
      ([pattern, text]) =>
      (run) =>
        replace(run, pattern as Arg, replacement(text, run), 0, run.message.text.length, true),
  },
  ...(
    [
      ['replace_hdrs', false],
      ['replace_body_atonce', true],
    ] as const
  ).map(
    ([name, body]): FunctionSpec => ({
      name,
      dialects: KAMAILIO,
      parameters: [body ? param('pattern', 'regex', { lines: false }) : regexParam, param('text', 'string')],
      summary: body ? 'replaces what matches in the body, which is one text' : 'replaces the first that matches',
      compile:
        ([pattern, text]) =>
        (run) => {
          const { message } = run;
          return body
            ? replace(run, pattern as Arg, replacement(text, run), message.bodyStart, message.bodyEnd, true)
            : replace(run, pattern as Arg, replacement(text, run), message.headersStart, message.headersEnd, false);
        },
    }),
  ),
];

/** The text to insert; as recorded, Kamailio uses it as written. */
function replacement(arg: Arg | undefined, run: MessageRun): string {
  return run.env.dialect === 'kamailio' ? (arg?.text ?? '') : textOf(arg, run);
}

/** Functions of both dialects that search in a message or replace matches. */
export function searches(): FunctionSpec[] {
  return [
    {
      name: 'search',
      parameters: [regexParam],
      summary: 'whether the message matches',
      compile:
        ([pattern]) =>
        (run) =>
          search(run, pattern as Arg, 0, run.message.text.length),
    },
    {
      name: 'search_body',
      parameters: [regexParam],
      summary: 'whether the body matches',
      compile:
        ([pattern]) =>
        (run) =>
          search(run, pattern as Arg, run.message.bodyStart, run.message.bodyEnd),
    },
    {
      name: 'search_append',
      parameters: [regexParam, param('text', 'string')],
      summary: 'inserts text after the match',
      compile:
        ([pattern, text]) =>
        (run) => {
          const regex = (pattern as Arg).regex(run) ?? byLine(textOf(pattern, run));
          const from = afterFirstLine(run);
          const match = regex.match(run.message.text.slice(from));
          if (match === undefined) return -1;
          run.edits.insert(from + match.end, replacement(text, run));
          return 1;
        },
    },
    {
      name: 'search_append_body',
      dialects: OPENSIPS,
      parameters: [regexParam, param('text', 'string')],
      summary: 'inserts text after the match in the body',
      compile:
        ([pattern, text]) =>
        (run) => {
          const regex = (pattern as Arg).regex(run) ?? byLine(textOf(pattern, run));
          const { bodyStart, bodyEnd } = run.message;
          const match = regex.match(run.message.text.slice(bodyStart, bodyEnd));
          if (match === undefined) return -1;
          run.edits.insert(bodyStart + match.end, textOf(text, run));
          return 1;
        },
    },
    {
      name: 'replace',
      parameters: [regexParam, param('text', 'string')],
      summary: 'replaces the first match after the first line',
      compile:
        ([pattern, text]) =>
        (run) =>
          replace(run, pattern as Arg, replacement(text, run), afterFirstLine(run), run.message.text.length, false),
    },
    ...(
      [
        ['replace_body', false, undefined],
        ['replace_body_all', true, undefined],
        ['replace_body_atonce', true, OPENSIPS],
      ] as const
    ).map(
      ([name, all, dialects]): FunctionSpec => ({
        name,
        ...(dialects === undefined ? {} : { dialects }),
        parameters: [regexParam, param('text', 'string')],
        summary: 'replaces the match in the body',
        compile:
          ([pattern, text]) =>
          (run) =>
            replace(run, pattern as Arg, replacement(text, run), run.message.bodyStart, run.message.bodyEnd, all),
      }),
    ),
    {
      name: 'subst',
      parameters: [param('substitution', 'literal')],
      summary: 'substitutes after the first line',
      compile: ([text]) => {
        const read = substitution(text, true);
        return (run) => code(editBySubstitution(read(run), run, afterFirstLine(run), run.message.text.length) > 0);
      },
    },
    {
      name: 'subst_body',
      parameters: [param('substitution', 'literal')],
      summary: 'substitutes in the body',
      compile: ([text]) => {
        const read = substitution(text, true);
        return (run) => code(editBySubstitution(read(run), run, run.message.bodyStart, run.message.bodyEnd) > 0);
      },
    },
    {
      name: 'subst_uri',
      parameters: [param('substitution', 'literal')],
      summary: 'substitutes in the request-URI',
      compile: ([text]) => {
        const read = substitution(text, false);
        return (run) => {
          const result = substituted(read(run), run.call.requestUri, run);
          if (result === undefined) return -1;
          run.pvars.setRequestUri(result);
          return 1;
        };
      },
    },
    {
      name: 'subst_user',
      parameters: [param('substitution', 'literal')],
      summary: 'substitutes in the user of the request-URI',
      compile: ([text]) => {
        const read = substitution(text, false);
        return (run) => {
          let good = false;
          editRequestUri(run, (parts) => {
            const result = substituted(read(run), parts.user ?? '', run);
            good = result !== undefined;
            parts.user = result ?? parts.user;
            return good;
          });
          return code(good);
        };
      },
    },
  ];
}
