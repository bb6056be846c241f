import type { DialectName } from '../cfg/function-table.js';
import { trimmed } from '../core/characters.js';
import type { Format } from '../pvar/format.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters, ModuleStates } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import { beginTransaction } from '../script/relay.js';
import {
  code,
  type FunctionSpec,
  intOf,
  KAMAILIO,
  moduleFunctions,
  OPENSIPS,
  optional,
  param,
  type ScriptFunction,
  textOf,
} from './define.js';
import { dialogs } from './dialog/state.js';
import { answerChallenge, type DigestChallenge, type DigestCredentials, readChallenge } from './digest.js';

/** Maximum number of challenges answered for one request: a gateway may refuse every answer. */
const MAX_ANSWERS = 8;

interface RealmCredentials extends DigestCredentials {
  readonly realm: string;
}

/** Credentials from parameters, and the variables into which a script writes credentials. */
const credentials = {
  module: 'uac',
  create(parameters: ModuleParameters, states: ModuleStates) {
    // In OpenSIPS since 1.8 a separate module has these parameters.
    const sources = [states.module('uac_auth'), parameters];
    const variable = (name: string): Format | undefined => {
      const text = sources.map((each) => each.text(name, '')).find((each) => each !== '');
      return text === undefined ? undefined : states.compile(text);
    };
    const listed = sources.flatMap((each) => each.all('credential')).map((each) => parsedCredentials(String(each)));
    return {
      listed: listed.filter((each) => each !== undefined),
      realm: variable('auth_realm_avp'),
      user: variable('auth_username_avp'),
      password: variable('auth_password_avp'),
    };
  },
};

/** Parses "user:realm:password". */
function parsedCredentials(text: string): RealmCredentials | undefined {
  const first = text.indexOf(':');
  const second = text.indexOf(':', first + 1);
  if (first < 0 || second < 0) return undefined;
  return { user: text.slice(0, first), realm: text.slice(first + 1, second), password: text.slice(second + 1) };
}

/** The credentials line added to a request last, and the number of challenges answered. */
const added = new PerCall((): { line: string; count: number } => ({ line: '', count: 0 }));

/** The highest amount that uac_inc_cseq() takes: the numbers of a dialog must stay below 2**31. */
const MAX_RAISED = 1_000_000;

/** Requests whose CSeq number a branch route has raised. */
const raisedInBranch = new PerCall(() => true);

/** The credentials as the digest needs them: in OpenSIPS a password of "0x" and hexadecimal digits is an HA1. */
function withHash(credentials: DigestCredentials, dialect: DialectName): DigestCredentials {
  const { password } = credentials;
  const hash = dialect === 'opensips' ? /^0x([0-9a-f]{32}|[0-9a-f]{64})$/.exec(password)?.[1] : undefined;
  return hash === undefined ? credentials : { ...credentials, password: hash, hashed: true };
}

function credentialsFor(run: MessageRun, { realm }: DigestChallenge, hashed: boolean): DigestCredentials | undefined {
  const { listed, ...variables } = run.env.modules.of(credentials);
  const value = (format: Format | undefined): string => {
    const read = format?.evaluateValue(run.pvars);
    return read === null || read === undefined ? '' : String(read);
  };
  const user = value(variables.user);
  const wanted = value(variables.realm);
  if (user !== '' && (wanted === '' || wanted === realm)) return { user, password: value(variables.password), hashed };
  return listed.find((each) => each.realm === realm);
}

/** Answers the challenge in the chosen reply: the next t_relay() of the failure route sends the credentials. */
function authenticate(run: MessageRun, hashed: boolean, algorithms: readonly string[]): number {
  const { message, edits, call } = run;
  const reply = run.branch?.reply;
  if (reply === undefined || (reply.status !== 401 && reply.status !== 407)) return -1;
  const proxy = reply.status === 407;
  const before = added.of(call);
  if (before.count >= MAX_ANSWERS)
    return run.refused('uac_auth', `${MAX_ANSWERS} challenges were answered without success`);
  const request = { method: message.method, uri: call.requestUri, body: message.body };
  for (const text of reply.headers(proxy ? 'proxy-authenticate' : 'www-authenticate')) {
    const challenge = readChallenge(text);
    if (challenge === undefined) continue;
    const algorithm = (challenge.algorithm ?? 'MD5').toLowerCase();
    if (algorithms.length > 0 && !algorithms.includes(algorithm)) continue;
    const known = credentialsFor(run, challenge, hashed);
    const answer =
      known === undefined
        ? undefined
        : answerChallenge(
            challenge,
            request,
            withHash(known, run.env.dialect),
            run.env.random.token(8),
            run.env.dialect,
          );
    if (answer === undefined) continue;
    const line = `${proxy ? 'Proxy-Authorization' : 'Authorization'}: ${answer}\r\n`;
    if (before.line !== '') edits.drop((each) => each.text === before.line);
    edits.insert(message.headersEnd, line);
    added.set(call, { line, count: before.count + 1 });
    incrementCseq(run);
    // As observed with Kamailio 5.6.3, the next t_relay() sends to the same target without a new one being set.
    if (run.env.dialect === 'kamailio') call.scope.changed = true;
    return 1;
  }
  return run.refused('uac_auth', 'no challenge that the credentials of the file can answer');
}

/**
 * Increments CSeq: by RFC 3261 section 22.2 the request with credentials has another number. The later requests of the
 * dialog must be renumbered too, so only a program that follows the dialog can do this: OpenSIPS then does it, Kamailio
 * if track_cseq_updates of dialog is set.
 */
function incrementCseq(run: MessageRun): void {
  const { env, transaction } = run;
  if (!env.modules.loaded.has('dialog') || transaction === undefined) return;
  if (env.dialect === 'kamailio' && !env.modules.module('dialog').flag('track_cseq_updates', false)) return;
  env.modules.of(dialogs).raiseNumber(run, transaction);
}

const summary =
  'answers the challenge of a gateway (401, 407) with the credentials of the file; within a dialog the CSeq number is incremented';

const kamailioForm = (name: string): FunctionSpec => ({
  name,
  dialects: KAMAILIO,
  parameters: [name === 'uac_auth' ? optional('mode', 'int') : param('mode', 'int')],
  routes: ['failure', 'branch-failure'],
  summary: `${summary}; mode 1: passwords are HA1`,
  compile:
    ([mode]) =>
    (run) =>
      authenticate(run, intOf(mode, run, 0) === 1, []),
});

/** uac_inc_cseq(): raises the CSeq number of the request by an amount. False where that is not possible. */
function raised(run: MessageRun, by: number): boolean {
  const { env, call } = run;
  // An ACK and a CANCEL have the number of their INVITE.
  const { method } = call.message;
  if (by < 1 || by > MAX_RAISED || method === 'ACK' || method === 'CANCEL' || !env.modules.loaded.has('dialog'))
    return false;
  const transaction = run.transaction ?? call.transaction ?? beginTransaction(run);
  if (transaction === undefined) return false;
  // All branches get one number: the ACK has it too, whichever of them was answered.
  const again = run.routeKind === 'branch' && raisedInBranch.known(call) !== undefined;
  const done = env.modules.of(dialogs).raiseNumber(run, transaction, again ? 0 : by);
  if (done && run.routeKind === 'branch') raisedInBranch.set(call, true);
  return done;
}

/** Functions of uac that answer a challenge. */
export const uacAuthFunctions: ScriptFunction[] = moduleFunctions('uac', [
  {
    name: 'uac_auth',
    dialects: OPENSIPS,
    parameters: [optional('algorithms', 'string')],
    routes: ['failure'],
    summary,
    compile:
      ([algorithms]) =>
      (run) =>
        authenticate(
          run,
          false,
          textOf(algorithms, run)
            .toLowerCase()
            .split(',')
            .map((each) => trimmed(each))
            .filter((each) => each !== ''),
        ),
  },
  {
    name: 'uac_inc_cseq',
    dialects: OPENSIPS,
    parameters: [param('amount', 'int')],
    routes: ['request', 'branch', 'failure'],
    summary: 'raises the CSeq number of the request, and of the later ones of its dialog; false without a dialog',
    compile:
      ([amount]) =>
      (run) =>
        code(raised(run, intOf(amount, run, 0))),
  },
  kamailioForm('uac_auth'),
  kamailioForm('uac_auth_mode'),
]);
