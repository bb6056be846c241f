import { PvarScope } from '../../pvar/context.js';
import { parseMessage } from '../../sip/parse-message.js';
import { applyEdits } from '../../sip/reply.js';
import type { RouteScriptEnvironment } from './environment.js';
import { executeNow } from './execute.js';
import { HeaderEdits } from './header-edits.js';
import { MessageFunctions } from './message-functions.js';
import type { LoadedScript } from './route-table.js';
import { RouteMessageSite } from './site.js';

/** The local route: a request of this proxy, such as a probe, is about to be sent. */
export class LocalRoute extends MessageFunctions {
  /** @internal The request after the route. Errors are logged, and the request is then sent unchanged. */
  static run(env: RouteScriptEnvironment, script: LoadedScript, text: string): string {
    const handler = script.routes.local;
    const message = handler === undefined ? undefined : parseMessage(text);
    if (handler === undefined || message === undefined) return text;
    const pvars = new PvarScope(message);
    pvars.clock = env.clock;
    pvars.lookUpStatistic = env.formats.statistic;
    pvars.lookUpTag = env.formats.tag;
    const route = new LocalRoute(new RouteMessageSite(env, pvars, 'local', message, new HeaderEdits(message)));
    const end = executeNow(
      { script: script.file, route: 'local', callId: message.callId },
      () => handler(route),
      env.faults,
    );
    route.end();
    const edits = route.site.edits.list;
    return end === 'failed' || edits.length === 0 ? text : applyEdits(text, 0, [...edits]);
  }
}
