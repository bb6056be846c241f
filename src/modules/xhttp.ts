import { compilePosix } from '../core/posix-regex.js';
import type { Call, MessageRun } from '../script/call.js';
import type { ModuleParameters, ScriptEnvironment } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import { runReceived } from '../script/service-routes.js';
import type { HttpExchange, HttpGate } from '../sip/transport/http-gate.js';
import { hostPort } from '../sip/transport/transport.js';
import { code, intOf, moduleFunctions, type ScriptFunction, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';

/** The HTTP request that a run handles. */
const exchanges = new PerCall((): HttpExchange | undefined => undefined);

/** The HTTP request that a call stands for; undefined for SIP calls. */
export function httpExchange(call: Call): HttpExchange | undefined {
  return exchanges.known(call);
}

/** Whether the route runs for a URL: it must match url_match and not url_skip, if the file has these. */
export const urlFilter = {
  module: 'xhttp',
  create: (parameters: ModuleParameters): ((url: string) => boolean) => {
    const [wanted, skipped] = ['url_match', 'url_skip'].map((name) => {
      const text = parameters.text(name, '');
      return text === '' ? undefined : compilePosix(text);
    });
    return (url) => wanted?.test(url) !== false && skipped?.test(url) !== true;
  },
};

/** URL of the HTTP request that a call stands for; undefined for SIP calls. */
export function httpUrl(call: Call | undefined): string | undefined {
  return call === undefined ? undefined : exchanges.known(call)?.url;
}

/**
 * Handler that runs event_route[xhttp:request] for HTTP requests, and event_route[websocket:closed]; undefined for a
 * file without the first.
 */
export function httpGate(env: () => ScriptEnvironment): HttpGate | undefined {
  if (env().script.route('event', 'xhttp:request') === undefined) return undefined;
  return {
    request(exchange) {
      const { method, url, head, body, socket, address, port } = exchange;
      if (!env().modules.of(urlFilter)(url)) return undefined;
      const via = `Via: SIP/2.0/${socket.transport.toUpperCase()} ${hostPort(address, port)}\r\n`;
      const text = `${method} ${url} SIP/2.0\r\n${via}${head}\r\n${body}`;
      return runReceived(env(), 'xhttp:request', text, { socket, address, port, flow: undefined }, (run) =>
        exchanges.set(run.call, exchange),
      );
    },
    closed(socket, address, port, flow) {
      runReceived(env(), 'websocket:closed', undefined, { socket, address, port, flow });
    },
  };
}

const upgrade = (run: MessageRun): number => code(exchanges.known(run.call)?.upgrade() === true);

/** Functions of Kamailio's xhttp and websocket. */
export const xhttpFunctions: ScriptFunction[] = [
  ...moduleFunctions('xhttp', [
    kamailioFunction(
      'xhttp_reply',
      'code reason type body',
      'answers a request of HTTP',
      (run, [status, reason, type, body]) => {
        const exchange = exchanges.known(run.call);
        const number = intOf(status, run, 0);
        if (exchange === undefined || number < 200 || number > 599) return -1;
        const { replyLines } = run.call;
        return code(exchange.reply(number, textOf(reason, run), textOf(type, run), textOf(body, run), replyLines));
      },
    ),
  ]),
  ...moduleFunctions('websocket', [
    kamailioFunction('ws_handle_handshake', '', 'upgrades the connection to a WebSocket', upgrade),
  ]),
];
