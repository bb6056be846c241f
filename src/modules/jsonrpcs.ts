import { isSameOrigin } from '../core/web-origin.js';
import type { CfgScope, MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import type { RpcAnswer } from '../script/services.js';
import type { HttpExchange } from '../sip/transport/http-gate.js';
import { code, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';
import { byWord } from './named-fields.js';
import { httpExchange } from './xhttp.js';

/** Bit of "transport" for HTTP; 0 stands for all transports. */
const HTTP = 1;

const settings = {
  module: 'jsonrpcs',
  create: (parameters: ModuleParameters) => {
    const transport = parameters.int('transport', 0);
    return { http: transport === 0 || (transport & HTTP) !== 0 };
  },
};

/** Result of the last jsonrpc_exec() of a call. */
const answers = new PerCall((): RpcAnswer | undefined => undefined);

/** Conversions between bytes in a message and UTF-8 text. */
const fromBytes = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');
const toBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/**
 * Whether an HTTP request was caused by a page of another host (Origin). Such a page must not send commands through the
 * browser of an operator.
 */
function isForeign(run: MessageRun, { socket }: HttpExchange): boolean {
  const origin = run.message.header('origin');
  return origin !== undefined && !isSameOrigin(origin, run.message.header('host'), socket.transport === 'tls');
}

async function dispatch(run: MessageRun): Promise<number> {
  const exchange = httpExchange(run.call);
  if (exchange === undefined || !run.env.modules.of(settings).http) return -1;
  if (isForeign(run, exchange)) return code(exchange.reply(403, 'Forbidden', '', ''));
  const answer = await run.env.services.rpc(fromBytes(exchange.body), {
    peer: exchange.address,
    authorization: run.message.header('authorization'),
  });
  if (answer === undefined) return -1;
  return code(
    exchange.reply(answer.code, answer.reason, answer.body === '' ? '' : 'application/json', toBytes(answer.body)),
  );
}

/** $jsonrpl(code), $jsonrpl(text), $jsonrpl(body). */
export const jsonrpcAnswer = byWord({
  code: (scope) => known(scope)?.code ?? 0,
  text: (scope) => known(scope)?.reason ?? null,
  body: (scope) => known(scope)?.body ?? null,
});

function known({ call }: CfgScope): RpcAnswer | undefined {
  return call === undefined ? undefined : answers.known(call);
}

/** Functions of Kamailio's jsonrpcs. */
export const jsonrpcFunctions: ScriptFunction[] = moduleFunctions('jsonrpcs', [
  kamailioFunction(
    'jsonrpc_dispatch',
    '',
    'runs the RPC command in the body of an HTTP request, and answers it',
    dispatch,
    true,
  ),
  kamailioFunction(
    'jsonrpc_exec',
    'command',
    'runs an RPC command given as JSON, for $jsonrpl',
    async (run, [command]) => {
      const answer = await run.env.services.rpc(fromBytes(textOf(command, run)), undefined);
      // A text that is not a command leaves the earlier result.
      if (answer !== undefined) answers.set(run.call, { ...answer, body: toBytes(answer.body) });
      return code(answer !== undefined);
    },
    true,
  ),
]);
