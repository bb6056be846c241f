/** One statement of an OpenSIPS or Kamailio configuration that the import looks at, with its line. */
export type CfgStatement =
  | {
      readonly kind: 'modparam';
      readonly line: number;
      readonly modules: readonly string[];
      readonly name: string;
      readonly value: string | number;
    }
  | { readonly kind: 'setting'; readonly line: number; readonly name: string; readonly value: string }
  | { readonly kind: 'module'; readonly line: number; readonly name: string }
  | { readonly kind: 'route'; readonly line: number; readonly head: string }
  | { readonly kind: 'call'; readonly line: number; readonly name: string; readonly args: readonly string[] }
  | { readonly kind: 'directive'; readonly line: number; readonly text: string };

/** Bytes of a configuration at most. */
const MAX_BYTES = 4 * 1024 * 1024;

/** One token: a comment in a block ends with the file at the latest, not with its line. */
export const CFG_TOKEN =
  /(?<space>[ \t\r\n]+)|(?<block>\/\*[\s\S]*?(?:\*\/|(?![\s\S])))|(?<directive>^#!.*$|^!!.*$)|(?<comment>#.*$|\/\/.*$)|(?<string>"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*')|(?<word>[A-Za-z_$][\w$.:-]*|[0-9]+)|(?<other>[\s\S])/gmy;

interface Token {
  readonly kind: 'string' | 'word' | 'other' | 'directive';
  readonly text: string;
  readonly line: number;
  readonly start: number;
}

/** Functions of the dispatcher whose calls tell how it was used. */
const CALLS = /^(?:ds_(?:select\w*|next\w*|mark\w*)|t_check_status|record_route)$/;

/**
 * The statements of a configuration, in order: module parameters, core settings, modules, routes, dispatcher calls.
 * Comments and what is between are passed over. Throws RangeError for a file that is too large.
 */
export function readCfg(text: string): CfgStatement[] {
  if (text.length > MAX_BYTES) throw new RangeError(`a configuration of more than ${MAX_BYTES} bytes`);
  const tokens = tokenize(text);
  const statements: CfgStatement[] = [];
  let depth = 0;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    const { line } = token;
    if (token.kind === 'directive') statements.push({ kind: 'directive', line, text: token.text });
    else if (token.text === '{') depth++;
    else if (token.text === '}') depth = Math.max(0, depth - 1);
    else if (token.kind !== 'word') continue;
    else if (CALLS.test(token.text) && tokens[at + 1]?.text === '(') {
      statements.push({ kind: 'call', line, name: token.text, args: argumentsAt(text, tokens, at + 2) });
    } else if (depth > 0) continue;
    else if (token.text === 'modparam' && tokens[at + 1]?.text === '(') {
      const [modules, name, value] = argumentTokens(tokens, at + 2);
      if (modules === undefined || name === undefined || value === undefined) continue;
      const number = value.kind === 'word' && /^[0-9]+$/.test(value.text);
      statements.push({
        kind: 'modparam',
        line,
        modules: unquoted(modules.text).split('|'),
        name: unquoted(name.text),
        value: number ? Number(value.text) : unquoted(value.text),
      });
    } else if (token.text === 'loadmodule' && tokens[at + 1]?.kind === 'string') {
      const name = unquoted((tokens[at + 1] as Token).text)
        .replace(/^.*\//, '')
        .replace(/\.so$/, '');
      statements.push({ kind: 'module', line, name });
    } else if (/(?:^|_)route$/.test(token.text)) {
      const head = text.slice(token.start, text.indexOf('{', token.start)).trim();
      statements.push({ kind: 'route', line, head: head.slice(0, 80) });
    } else if (tokens[at + 1]?.text === '=') {
      const rest = text.slice((tokens[at + 1] as Token).start + 1);
      const value = /^[ \t]*("(?:[^"\\]|\\.)*"|[^#\r\n;]*)(?:[ \t]+([^#\r\n;]*))?/.exec(rest);
      const tail = (value?.[2] ?? '').trim();
      statements.push({
        kind: 'setting',
        line,
        name: token.text,
        value: `${unquoted((value?.[1] ?? '').trim())}${tail === '' ? '' : ` ${tail}`}`,
      });
    }
  }
  return statements;
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  const token = new RegExp(CFG_TOKEN.source, CFG_TOKEN.flags);
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    const groups = match.groups as Record<string, string | undefined>;
    for (const kind of ['string', 'word', 'other', 'directive'] as const) {
      if (groups[kind] !== undefined) tokens.push({ kind, text: match[0], line, start: match.index });
    }
    for (let i = 0; i < match[0].length; i++) if (match[0].charCodeAt(i) === 10) line++;
    if (match[0] === '') break;
  }
  return tokens;
}

function argumentTokens(tokens: readonly Token[], from: number): Token[] {
  const args: Token[] = [];
  for (let at = from; at < tokens.length && args.length < 16; at++) {
    const token = tokens[at] as Token;
    if (token.text === ')' && token.kind === 'other') break;
    if (token.kind === 'string' || token.kind === 'word') args.push(token);
  }
  return args;
}

/** The arguments of a call as text, unquoted; one that is left out is ''. Parentheses of variables stay in one piece. */
function argumentsAt(text: string, tokens: readonly Token[], from: number): string[] {
  const args: string[] = [];
  let depth = 0;
  let start = tokens[from]?.start ?? text.length;
  for (let at = from; at < tokens.length && args.length < 16; at++) {
    const token = tokens[at] as Token;
    if (token.kind !== 'other') continue;
    if (token.text === '(') depth++;
    else if (depth > 0 && token.text === ')') depth--;
    else if (depth === 0 && (token.text === ',' || token.text === ')')) {
      args.push(unquoted(text.slice(start, token.start).trim()));
      start = token.start + 1;
      if (token.text === ')') break;
    }
  }
  return args;
}

function unquoted(text: string): string {
  const quote = text.charAt(0);
  if ((quote !== '"' && quote !== "'") || !text.endsWith(quote) || text.length < 2) return text;
  return text.slice(1, -1).replace(/\\(.)/gs, '$1');
}
