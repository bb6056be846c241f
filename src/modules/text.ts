import { ShellPattern } from '../engine/fnmatch.js';
import { appendHeader, HEADER_FUNCTIONS } from '../route/functions/headers.js';
import { applyChanges } from './apply-changes.js';
import { bodies } from './bodies.js';
import { bodyPartFunctions } from './body-parts.js';
import {
  type Arg,
  code,
  type FunctionSpec,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { removeHeaders, textIn } from './header-fields.js';
import { optionsInHeaders, valuesInHeaders } from './header-options.js';
import { validationFunctions } from './message-validation.js';
import { anyCase, namePattern } from './patterns.js';
import { sharedFunctions } from './shared.js';
import { kamailioReplacements, regexParam, searches } from './text-search.js';

function headerFunctions(dialects: FunctionSpec['dialects']): FunctionSpec[] {
  const only = dialects === undefined ? {} : { dialects };
  return [
    {
      ...only,
      name: 'append_urihf',
      parameters: [param('prefix', 'string'), param('suffix', 'string')],
      summary: 'adds a header line with the request-URI in it',
      compile:
        ([prefix, suffix]) =>
        (run) =>
          appendHeader(run, textOf(prefix, run) + run.call.requestUri + textOf(suffix, run)),
    },
    {
      ...only,
      name: 'remove_hf_re',
      parameters: [regexParam],
      summary: 'removes header fields whose name matches',
      compile:
        ([pattern]) =>
        (run) => {
          const regex = namePattern(pattern, run);
          return code(removeHeaders(run, (name) => regex.test(name)) > 0);
        },
    },
  ];
}

const opensips: FunctionSpec[] = [
  ...bodyPartFunctions,
  {
    name: 'remove_hf_glob',
    dialects: OPENSIPS,
    parameters: [param('pattern', 'string')],
    summary: 'removes header fields whose name matches a pattern with * and ?',
    compile:
      ([pattern]) =>
      (run) => {
        const glob = new ShellPattern(textOf(pattern, run).toLowerCase());
        return code(removeHeaders(run, (name) => glob.matches(name.toLowerCase())) > 0);
      },
  },
  {
    name: 'remove_hf',
    dialects: OPENSIPS,
    until: 2,
    parameters: [
      param('pattern', 'string'),
      param('kind', 'string', { check: (v) => (/^[rg]$/.test(String(v)) ? undefined : `"${v}" is neither r nor g`) }),
    ],
    summary: 'removes header fields whose name matches a regular expression (r), or a pattern with * and ? (g)',
    compile: ([pattern, kind]) => {
      const known = pattern?.constant === undefined ? undefined : namesMatching(String(pattern.constant), kind);
      return (run) => code(removeHeaders(run, known ?? namesMatching(textOf(pattern, run), kind)) > 0);
    },
  },
  {
    name: 'sip_to_json',
    dialects: OPENSIPS,
    parameters: [param('result', 'writable')],
    summary: 'the message as JSON: first_line, headers (a list of values for each name) and body',
    compile:
      ([result]) =>
      (run) => {
        const { message } = run;
        const { text } = message;
        const headers = new Map<string, string[]>();
        const written = new Map<string, string>();
        for (const field of message.fields()) {
          const name = text.slice(field.line, field.nameEnd);
          const lower = name.toLowerCase();
          // The first field with a name decides how the name is written.
          const shown = written.get(lower) ?? name;
          written.set(lower, shown);
          const values = headers.get(shown);
          if (values === undefined) headers.set(shown, [textIn(run, field)]);
          else values.push(textIn(run, field));
        }
        const json = JSON.stringify({
          first_line: text.slice(0, Math.max(0, text.indexOf('\r\n'))),
          headers: Object.fromEntries(headers),
          body: text.slice(message.bodyStart, message.bodyEnd),
        });
        result?.variable?.assign(run.pvars, json);
        return 1;
      },
  },
  {
    name: 'get_glob_headers_values',
    dialects: OPENSIPS,
    parameters: [param('pattern', 'string'), param('names', 'writable'), param('values', 'writable')],
    summary: 'names and values of the fields whose name fits a pattern with * and ?, in two lists',
    compile:
      ([pattern, names, values]) =>
      (run) => {
        const glob = new ShellPattern(textOf(pattern, run).toLowerCase());
        const fields = [...run.message.fields()].filter((field) =>
          glob.matches(run.message.text.slice(field.line, field.nameEnd).toLowerCase()),
        );
        // The value assigned last is the first of an AVP, so the fields are assigned in reverse order.
        for (const field of fields.reverse()) {
          names?.variable?.assign(run.pvars, run.message.text.slice(field.line, field.nameEnd));
          values?.variable?.assign(run.pvars, textIn(run, field));
        }
        return code(fields.length > 0);
      },
  },
];

/** A test of header field names: by a regular expression for kind "r", else by a shell pattern. */
function namesMatching(pattern: string, kind: Arg | undefined): (name: string) => boolean {
  if (kind?.constant === 'r') {
    const regex = anyCase(pattern);
    return (name) => regex.test(name);
  }
  const glob = new ShellPattern(pattern.toLowerCase());
  return (name) => glob.matches(name.toLowerCase());
}

const kamailio: FunctionSpec[] = [
  {
    name: 'remove_hf_exp',
    dialects: KAMAILIO,
    parameters: [regexParam, param('but', 'regex')],
    summary: 'removes header fields whose name matches one pattern and not another',
    compile:
      ([pattern, but]) =>
      (run) => {
        const regex = namePattern(pattern, run);
        const keep = namePattern(but, run);
        return code(removeHeaders(run, (name) => regex.test(name) && !keep.test(name)) > 0);
      },
  },
  {
    name: 'is_present_hf_re',
    dialects: KAMAILIO,
    parameters: [regexParam],
    summary: 'whether there is a header field whose name matches',
    compile:
      ([pattern]) =>
      (run) => {
        const regex = namePattern(pattern, run);
        for (const field of run.message.fields()) {
          if (regex.test(run.message.text.slice(field.line, field.nameEnd))) return 1;
        }
        return -1;
      },
  },
  {
    name: 'search_hf',
    dialects: KAMAILIO,
    parameters: [param('name', 'string'), regexParam, param('flags', 'string')],
    summary: 'whether a header matches: the first, the last or any',
    compile:
      ([name, pattern, flags]) =>
      (run) => {
        const regex = namePattern(pattern, run);
        const all = [...run.fields(textOf(name, run))];
        const which = textOf(flags, run);
        const chosen = which === 'f' ? all.slice(0, 1) : which === 'l' ? all.slice(-1) : all;
        return code(chosen.some((field) => regex.test(textIn(run, field))));
      },
  },
  {
    name: 'msg_apply_changes',
    dialects: KAMAILIO,
    routes: ['request', 'onreply', 'event'],
    summary: 'applies the changes made so far to the message',
    // Not allowed after record_route(), nor in a branch-failure route.
    compile: () => (run) =>
      code(
        run.call.recordRouting.length === 0 && !run.call.own && run.routeKind !== 'branch-failure' && applyChanges(run),
      ),
  },
];

/** Functions of textops and sipmsgops. */
export const textFunctions: ScriptFunction[] = [
  ...moduleFunctions('textops', [...searches(), ...kamailio, ...valuesInHeaders, ...kamailioReplacements, ...bodies]),
  ...sharedFunctions('sipmsgops', OPENSIPS, HEADER_FUNCTIONS),
  ...moduleFunctions('sipmsgops', [
    ...headerFunctions(OPENSIPS),
    ...opensips,
    ...optionsInHeaders,
    ...validationFunctions,
  ]),
  ...sharedFunctions('textops', KAMAILIO, HEADER_FUNCTIONS),
  ...moduleFunctions('textops', headerFunctions(KAMAILIO)),
];
