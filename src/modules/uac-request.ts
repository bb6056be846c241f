import { trimmed } from '../core/characters.js';
import { integerOf, type PvarContext, type PvarValue } from '../pvar/context.js';
import type { VariableDefinition } from '../pvar/variables/definition.js';
import type { CfgScope, MessageRun } from '../script/call.js';
import type { ScriptEnvironment } from '../script/environment.js';
import { sendOwn } from '../script/own-requests.js';
import { runEvent, runReceived } from '../script/service-routes.js';
import { isToken } from '../sip/parse-message.js';
import { KAMAILIO, moduleFunctions, type ScriptFunction } from './define.js';

/** Fields of $uac_req that can be set. */
const FIELDS = new Set(
  'method ruri turi furi ouri sock hdrs body callid cseqno auser apasswd ahaone evroute evparam'.split(' '),
);

const NUMERIC = new Set(['evroute', 'cseqno']);

interface UacRequest {
  readonly fields: Map<string, PvarValue>;
  code: PvarValue;
  type: PvarValue;
}

/** State of $uac_req: one for the configuration, as in the original. */
const requestState = {
  module: 'uac',
  create: (): UacRequest => ({ fields: new Map(), code: 0, type: null }),
  copy: (state: UacRequest): UacRequest => ({ ...state, fields: new Map(state.fields) }),
};

const stateOf = (env: ScriptEnvironment) => env.modules.of(requestState);

function send(run: MessageRun): number {
  const { env } = run;
  const { fields } = stateOf(env);
  const text = (name: string): string => String(fields.get(name) ?? '');
  const [method, ruri] = [text('method'), text('ruri')];
  if (!isToken(method) || ruri === '') return -1;
  const evroute = integerOf(fields.get('evroute') ?? null) ?? 0;
  const sent = sendOwn(
    env,
    {
      method,
      uri: ruri,
      nextHop: text('ouri') || undefined,
      from: text('furi') || ruri,
      to: text('turi') || ruri,
      callId: text('callid') || `${env.random.token(16)}@switchyard`,
      cseq: integerOf(fields.get('cseqno') ?? null) || 10,
      lines: text('hdrs'),
      body: text('body'),
      socket: text('sock') || undefined,
    },
    (code, reply) => {
      if (evroute === 0) return;
      const state = stateOf(env);
      state.code = code;
      state.type = reply === undefined ? 2 : 1;
      const [socket] = env.sockets.all;
      if (reply === undefined || socket === undefined) {
        runEvent(env, 'uac:reply', ({ call }) => {
          call.scope.txCode = 0;
        });
        return;
      }
      // As recorded, the event route handles the reply.
      const source = { socket, address: socket.address, port: socket.port, flow: undefined };
      runReceived(env, 'uac:reply', reply.text, source, ({ call }) => {
        call.scope.replyCode = code;
        call.scope.replyReason = reply.reason;
      });
    },
    run.pvars,
  );
  return sent ? 1 : -1;
}

/** $uac_req(field). */
export const uacRequestVariable: VariableDefinition = {
  argument: 'required',
  indexed: false,
  compile(argument) {
    const name = trimmed(argument?.constant ?? '');
    if (!FIELDS.has(name) && !['all', 'evcode', 'evtype'].includes(name)) throw new Error(`has no field "${name}"`);
    const scope = (context: PvarContext) => stateOf((context as CfgScope).env);
    return {
      get: (context) => {
        const state = scope(context);
        if (name === 'evcode') return state.code;
        if (name === 'evtype') return state.type;
        return state.fields.get(name) ?? (name === 'evroute' ? 0 : null);
      },
      set: (context, value) => {
        const { fields } = scope(context);
        // As recorded, a field with empty text has no value.
        if (name === 'all') {
          if (value === null) fields.clear();
        } else if (value === null || value === '') fields.delete(name);
        // As recorded, a field accepts values of its own type; others have no effect.
        else if ((typeof value === 'number') === NUMERIC.has(name))
          fields.set(name, typeof value === 'string' ? value.slice(0, 65_536) : value);
      },
    };
  },
};

/** Functions of uac that send a request. */
export const uacRequestFunctions: ScriptFunction[] = moduleFunctions('uac', [
  {
    name: 'uac_req_send',
    dialects: KAMAILIO,
    summary: 'sends the request that $uac_req describes',
    compile: () => send,
  },
]);
