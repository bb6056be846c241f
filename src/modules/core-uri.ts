import { isKamailioUri, kamailioUser } from '../pvar/variables/script-uris.js';
import type { MessageRun } from '../script/call.js';
import {
  type Arg,
  BOTH,
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  named,
  OPENSIPS,
  optional,
  param,
  REQUESTS,
  type ScriptFunction,
  textOf,
} from './define.js';
import { cutUri, joinUri, telWithHost, type UriParts } from './uri-parts.js';

/** Changes parts of the request-URI. False when the request-URI cannot be split into parts. */
export function editRequestUri(run: MessageRun, edit: (parts: UriParts) => boolean | undefined): boolean {
  const { call } = run;
  const parts = cutUri(call.requestUri);
  if (parts === undefined || edit(parts) === false) return false;
  run.pvars.setRequestUri(joinUri(parts));
  return true;
}

/**
 * The same for Kamailio, which does not count parameters in the user part of a telephone number (`user=phone`) as part
 * of the user: they stay after it. An invalid URI is not changed.
 */
function editPhoneUri(run: MessageRun, edit: (parts: UriParts) => boolean | undefined): boolean {
  if (!isKamailioUri(run.call.requestUri)) return false;
  // As recorded, the scheme is written anew, and of a URN only the first word stays, as the user.
  const urn = /^urn:([^:]*)/i.exec(run.call.requestUri)?.[1];
  if (urn !== undefined) {
    const parts: UriParts = {
      scheme: 'sip',
      user: urn,
      password: undefined,
      host: '',
      port: undefined,
      params: '',
      headers: '',
    };
    if (edit(parts) === false) return false;
    const { user = '', host, port } = parts;
    run.pvars.setRequestUri(`sip:${user}${host === '' ? '' : `@${host}`}${port === undefined ? '' : `:${port}`}`);
    return true;
  }
  return editRequestUri(run, (parts) => {
    parts.scheme = parts.scheme.toLowerCase();
    const { user = '', params } = parts;
    const seen = kamailioUser({ user, params });
    if (seen === user) return edit(parts);
    parts.user = seen;
    const done = edit(parts);
    if (parts.user !== '') parts.user += user.slice(seen.length);
    return done;
  });
}

/** Parameters of a URI without its last transport parameter. */
function withoutTransport(params: string): string {
  const all = params.split(';');
  const at = all.findLastIndex((each) => /^transport=/i.test(each));
  return at < 0 ? params : all.filter((_, i) => i !== at).join(';');
}

type Edit = (parts: UriParts, value: string) => boolean | undefined;

const EDITS: readonly [names: readonly string[], summary: string, edit: Edit][] = [
  [['prefix'], 'puts text before the user of the request-URI', (u, v) => void (u.user = v + (u.user ?? ''))],
  [['sethost', 'rewritehost', 'seth'], 'replaces the host of the request-URI', (u, v) => void (u.host = v)],
  [
    ['sethostport', 'rewritehostport', 'sethp'],
    'replaces host and port of the request-URI',
    (u, v) => {
      u.host = v;
      u.port = undefined;
      return undefined;
    },
  ],
  [
    ['sethostporttrans', 'rewritehostporttrans'],
    'replaces host, port and transport of the request-URI',
    (u, v) => {
      u.host = v;
      u.port = undefined;
      u.params = withoutTransport(u.params);
      return undefined;
    },
  ],
  [
    ['setport', 'rewriteport', 'setp'],
    'replaces the port of the request-URI',
    (u, v) => {
      if (/^tel/i.test(u.scheme)) return false;
      u.port = v;
      return undefined;
    },
  ],
  [['setuser', 'rewriteuser', 'setu'], 'replaces the user of the request-URI', (u, v) => void (u.user = v)],
  [
    ['setuserpass', 'rewriteuserpass', 'setup'],
    'replaces user and password of the request-URI',
    (u, v) => {
      u.user = v;
      u.password = undefined;
      return undefined;
    },
  ],
];

/** Function names of OpenSIPS up to 2.4. */
const SHORT_NAMES = /^(?:rewrite\w+|seth|sethp|setp|setu|setup)$/;

const edits: FunctionSpec[] = EDITS.flatMap(([names, summary, edit]) => [
  ...names.map(
    (name): FunctionSpec => ({
      name,
      dialects: OPENSIPS,
      ...(SHORT_NAMES.test(name) ? { until: 2 } : {}),
      routes: REQUESTS,
      parameters: [param('text', 'string')],
      summary,
      compile:
        ([value]) =>
        (run) => {
          editRequestUri(run, (parts) => edit(parts, (value as Arg).string(run)));
          return 1;
        },
    }),
  ),
  ...named(names, {
    dialects: KAMAILIO,
    parameters: [param('text', 'literal', { strict: true })],
    keepsReturnCode: true,
    summary,
    compile:
      ([value]) =>
      (run) => {
        editPhoneUri(run, (parts) => {
          if (/^sethost/.test(names[0] ?? '')) telWithHost(parts);
          return edit(parts, (value as Arg).text);
        });
        return 1;
      },
  }),
]);

/** Removes characters from the user, at its start or its end. */
export function strip(parts: UriParts, count: number, tail: boolean): void {
  const user = parts.user ?? '';
  if (count <= 0) return;
  parts.user = tail ? user.slice(0, Math.max(0, user.length - count)) : user.slice(count);
}

/** As recorded, Kamailio's grammar allows no sign here. */
const belowZero = (count: string | number) => (Number(count) < 0 ? `${count} is below 0` : undefined);

const strips: FunctionSpec[] = (
  [
    ['strip', false],
    ['strip_tail', true],
  ] as const
).flatMap(([name, tail]): FunctionSpec[] => [
  {
    name,
    dialects: OPENSIPS,
    routes: REQUESTS,
    parameters: [param('count', 'int')],
    summary: `removes characters at the ${tail ? 'end' : 'start'} of the request-URI's user`,
    compile:
      ([count]) =>
      (run) => {
        editRequestUri(run, (parts) => void strip(parts, intOf(count, run, 0), tail));
        return 1;
      },
  },
  {
    name,
    dialects: KAMAILIO,
    parameters: [param('count', 'int', { strict: true, check: belowZero })],
    keepsReturnCode: true,
    summary: `removes characters at the ${tail ? 'end' : 'start'} of the request-URI's user`,
    compile:
      ([count]) =>
      (run) => {
        editPhoneUri(run, (parts) => void strip(parts, intOf(count, run, 0), tail));
        return 1;
      },
  },
]);

function destination(names: readonly string[], dialects: FunctionSpec['dialects']): FunctionSpec[] {
  return [
    ...named(names, {
      dialects: dialects ?? BOTH,
      parameters: [param('uri', 'string')],
      summary: 'sets $du',
      compile:
        ([uri]) =>
        (run) => {
          run.pvars.destinationUri = textOf(uri, run);
          run.call.scope.changed = true;
          return 1;
        },
    }),
  ];
}

const OLD_NAMES: Readonly<Record<string, string>> = {
  ruri_add_param: 'add_uri_param',
  ruri_del_param: 'del_uri_param',
  ruri_has_param: 'uri_param',
};

/**
 * Whether a parameter of a URI has this name (lower case). It allocates nothing, since the URI of a peer may have tens
 * of thousands of parameters.
 */
function isCalled(parameter: string, name: string): boolean {
  const { length } = name;
  if (parameter.length > length ? parameter.charCodeAt(length) !== EQUALS : parameter.length < length) return false;
  return parameter.slice(0, length).toLowerCase() === name;
}

const EQUALS = 61;

const parameterFunctions: readonly FunctionSpec[] = [
  {
    name: 'ruri_add_param',
    dialects: OPENSIPS,
    parameters: [param('parameter', 'string')],
    summary: 'adds a parameter at the end of the request-URI',
    compile:
      ([value]) =>
      (run) => {
        const text = textOf(value, run);
        const uri = run.call.requestUri;
        // As recorded, for a URI with headers the result is an invalid URI.
        run.pvars.setRequestUri(uri.includes('?') ? 'sip:@@' : `${uri};${text.replace(/^;/, '')}`);
        return 1;
      },
  },
  {
    name: 'ruri_del_param',
    dialects: OPENSIPS,
    parameters: [param('name', 'string')],
    summary: 'removes a parameter of the request-URI',
    compile:
      ([name]) =>
      (run) => {
        const wanted = textOf(name, run).toLowerCase();
        return code(
          editRequestUri(run, (parts) => {
            const kept = parts.params.split(';').filter((each) => each !== '' && !isCalled(each, wanted));
            parts.params = kept.length === 0 ? '' : `;${kept.join(';')}`;
            return undefined;
          }),
        );
      },
  },
  {
    name: 'ruri_has_param',
    dialects: OPENSIPS,
    parameters: [param('name', 'string'), optional('value', 'string')],
    summary: 'whether the request-URI has a parameter, with this value or without one',
    compile:
      ([name, value]) =>
      (run) => {
        const parts = cutUri(run.call.requestUri);
        const wanted = textOf(name, run).toLowerCase();
        const found = parts?.params.split(';').find((each) => isCalled(each, wanted));
        if (found === undefined) return -1;
        const equals = found.indexOf('=');
        const given = equals < 0 ? '' : found.slice(equals + 1);
        // As documented, a parameter that has a value is not found by its name alone.
        return code(given === (value === undefined ? '' : value.string(run)));
      },
  },
];

/** Functions of the core that change the request-URI and $du. */
export const coreUriFunctions: ScriptFunction[] = moduleFunctions('core', [
  ...edits,
  ...strips,
  ...destination(['setdsturi'], OPENSIPS),
  ...destination(['setdsturi'], KAMAILIO),
  {
    name: 'resetdsturi',
    summary: 'unsets $du',
    compile: () => (run) => {
      run.pvars.destinationUri = undefined;
      return 1;
    },
  },
  {
    name: 'isdsturiset',
    summary: 'whether $du is set',
    compile: () => (run) => code(run.pvars.destinationUri !== undefined),
  },
  ...named(['seturi'], {
    dialects: OPENSIPS,
    routes: REQUESTS,
    parameters: [param('uri', 'string')],
    summary: 'replaces the request-URI',
    compile:
      ([uri]) =>
      (run) => {
        run.pvars.setRequestUri(textOf(uri, run));
        return 1;
      },
  }),
  ...named(['seturi', 'rewriteuri'], {
    dialects: KAMAILIO,
    parameters: [param('uri', 'literal')],
    keepsReturnCode: true,
    summary: 'replaces the request-URI',
    compile:
      ([uri]) =>
      (run) => {
        run.pvars.setRequestUri((uri as Arg).text);
        return 1;
      },
  }),
  {
    name: 'revert_uri',
    keepsReturnCode: true,
    summary: 'resets the request-URI to the received one',
    compile: () => (run) => {
      run.pvars.setRequestUri(run.call.message.requestUri);
      return 1;
    },
  },
  ...parameterFunctions,
  // The names of these functions in the uri module of 1.x and 2.x.
  ...parameterFunctions.map((each) => ({ ...each, name: OLD_NAMES[each.name] ?? each.name, until: 2 })),
]);
