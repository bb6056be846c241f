import type { KamailioCase } from '../runner/kamailio-case.js';
import type { RandomSource } from './source.js';
import { statementsOf } from './statements.js';

/** Replacements for mutations: everything in the recorded cases, by area. */
export interface Pool {
  readonly variables: readonly string[];
  readonly transformations: readonly string[];
  readonly strings: ReadonlyMap<string, readonly string[]>;
  readonly statements: ReadonlyMap<string, readonly string[]>;
  readonly messages: readonly KamailioCase['messages'][];
}

const VARIABLE = /\$(?:\([a-zA-Z]\w*(?:\([^()]*\))?|[a-zA-Z]\w*(?:\([^()]*\))?)/g;
const TRANSFORMATION = /\{[a-z]+\.[^{}]*\}/g;
const STRING = /"(?:[^"\\]|\\.)*"/g;
const CODES = [180, 183, 200, 202, 302, 401, 404, 407, 408, 480, 486, 487, 500, 503, 600, 603];
const NUMBERS = ['0', '1', '2', '3', '5', '7', '10', '64', '100', '-1'];
const COMPARISONS = ['==', '!=', '<', '>', '<=', '>=', '=~'];
const CALCULATIONS = ['+', '-', '*', '/', '&', '|'];

export function poolOf(cases: readonly KamailioCase[]): Pool {
  const variables = new Set<string>();
  const transformations = new Set<string>();
  const strings = new Map<string, string[]>();
  const statements = new Map<string, string[]>();
  for (const each of cases) {
    const areaStrings = strings.get(each.area) ?? [];
    const areaStatements = statements.get(each.area) ?? [];
    strings.set(each.area, areaStrings);
    statements.set(each.area, areaStatements);
    for (const [header, body] of Object.entries(each.routes)) {
      const text = body.replaceAll(each.id, '@ID@');
      for (const [found] of text.matchAll(VARIABLE)) if (!found.startsWith('$(')) variables.add(found);
      for (const [found] of text.matchAll(TRANSFORMATION)) transformations.add(found);
      for (const [found] of text.matchAll(STRING)) areaStrings.push(found);
      if (/^(route\[C_|request_route)/.test(header)) {
        areaStatements.push(...statementsOf(text).filter((one) => !one.includes('@ID@') && one.length < 300));
      }
    }
  }
  const messages = cases.filter((each) => each.standalone !== true).map((each) => each.messages);
  return { variables: [...variables], transformations: [...transformations], strings, statements, messages };
}

/** A case made from a recorded one by replacing some of its parts with others of the same kind. */
export function mutate(base: KamailioCase, id: string, pool: Pool, random: RandomSource): KamailioCase {
  const renamed = JSON.parse(JSON.stringify(base).replaceAll(base.id, id)) as KamailioCase;
  const routes: Record<string, string> = {};
  const headers = Object.keys(renamed.routes);
  const touched = random.pick(headers);
  for (const [header, body] of Object.entries(renamed.routes)) {
    routes[header] = header === touched || random.chance(0.3) ? mutateText(body, renamed.area, id, pool, random) : body;
  }
  const messages = random.chance(0.25) ? otherMessages(renamed, id, pool, random) : renamed.messages;
  return {
    id,
    area: renamed.area,
    routes,
    ...(renamed.standalone === true ? { standalone: true } : {}),
    ...(renamed.head_extra === undefined ? {} : { head_extra: renamed.head_extra }),
    ...(renamed.files === undefined ? {} : { files: renamed.files }),
    ...(renamed.no_ack === undefined ? {} : { no_ack: renamed.no_ack }),
    ...(renamed.wait_ms === undefined ? {} : { wait_ms: renamed.wait_ms }),
    ...(renamed.gateways === undefined ? {} : { gateways: otherReplies(renamed.gateways, random) }),
    messages,
    expect: {},
  };
}

function mutateText(body: string, area: string, id: string, pool: Pool, random: RandomSource): string {
  const own = statementsOf(body);
  const others = pool.statements.get(area) ?? [];
  const kept = own.flatMap((one) =>
    own.length > 2 && random.chance(0.08) ? [] : random.chance(0.04) ? [one, one] : [one],
  );
  if (others.length > 0) {
    for (let n = random.below(4); n > 0; n--) kept.splice(random.below(kept.length + 1), 0, random.pick(others));
  }
  return kept.map((one) => mutateStatement(one, area, pool, random).replaceAll('@ID@', id)).join('\n    ');
}

function mutateStatement(statement: string, area: string, pool: Pool, random: RandomSource): string {
  const strings = pool.strings.get(area) ?? [];
  let text = statement;
  text = text.replaceAll(TRANSFORMATION, (found) => {
    if (!random.chance(0.15)) return found;
    const other = random.pick(pool.transformations);
    return random.chance(0.3) ? found + other : other;
  });
  text = text.replaceAll(VARIABLE, (found) => {
    if (!random.chance(0.08) || found.startsWith('$(')) return found;
    return random.pick(pool.variables);
  });
  if (strings.length > 0 && !text.startsWith('xlog')) {
    text = text.replaceAll(STRING, (found) => (random.chance(0.06) ? random.pick(strings) : found));
  }
  text = text.replaceAll(/(?<![\w.:$"'{[<>=,;-])(?:\d{1,3})(?![\w.:"'}\]])/g, (found) =>
    random.chance(0.15) ? random.pick(NUMBERS) : found,
  );
  text = text.replaceAll(/ (==|!=|<=|>=|<|>|=~) /g, (found) =>
    random.chance(0.1) ? ` ${random.pick(COMPARISONS)} ` : found,
  );
  text = text.replaceAll(/ ([+\-*/&|]) /g, (found) => (random.chance(0.15) ? ` ${random.pick(CALCULATIONS)} ` : found));
  text = text.replaceAll(/ (&&|\|\|) /g, (found) => (random.chance(0.15) ? random.pick([' && ', ' || ']) : found));
  return text;
}

function otherMessages(base: KamailioCase, id: string, pool: Pool, random: RandomSource): KamailioCase['messages'] {
  const others = random.pick(pool.messages);
  const [first] = others;
  if (first === undefined || others.length > 1 || base.messages.length > 1) return base.messages;
  const old = /^X-Case: *(.*?)\r$/m.exec(first.send)?.[1];
  if (old === undefined || old === '') return base.messages;
  return [{ ...first, send: first.send.replaceAll(old, id) }];
}

type Gateways = NonNullable<KamailioCase['gateways']>;

function otherReplies(gateways: Gateways, random: RandomSource): Gateways {
  const change = <T>(reply: T): T =>
    typeof reply === 'number' && random.chance(0.3) ? (random.pick(CODES) as T) : reply;
  return Object.fromEntries(
    Object.entries(gateways).map(([name, entries]) => [
      name,
      entries.map((entry) => (Array.isArray(entry) ? entry.map(change) : change(entry))),
    ]),
  );
}
