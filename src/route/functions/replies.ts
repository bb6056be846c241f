import type { RouteKind } from '../../cfg/ast.js';
import type { ReplyWay, RequestActions } from './actions.js';
import { param, type SharedFunctions } from './definition.js';
import type { MessageSite } from './site.js';

function statusCheck(value: string | number): string | undefined {
  const number = Number(value);
  return Number.isInteger(number) && number >= 100 && number <= 699 ? undefined : `${value} is not a status code`;
}

const summary = 'answers the request';
const KAMAILIO: readonly RouteKind[] = ['request', 'failure', 'error', 'onreply', 'event', 'branch-failure', 'local'];

/**
 * Functions that answer the request. OpenSIPS' functions differ only in the routes that may call them, Kamailio's in
 * how the reply is sent.
 */
export function answerFunctions<Site extends MessageSite>(actions: RequestActions<Site, unknown>) {
  /** `fallback`: status for a code that is not a number; undefined: the function fails. */
  const send = (way: ReplyWay, fallback?: number) => ({
    summary,
    run(site: Site, status: number | undefined, reason: string | undefined): number {
      const chosen = status ?? fallback;
      return chosen === undefined ? -1 : actions.reply(site, chosen, reason ?? '', way);
    },
  });
  const answer = (way: ReplyWay) => ({
    summary,
    run(site: Site, status: number | undefined, reason: string | undefined): number {
      if (status !== undefined && reason !== undefined) return actions.reply(site, status, reason, way);
      const unset = actions.unsetReply(site, way);
      return actions.reply(site, status ?? unset.status, reason ?? unset.reason, way);
    },
  });
  const checked = [param('code', 'int', { as: 'number', check: statusCheck }), param('reason', 'string')];
  const number = [param('code', 'int', { as: 'number' }), param('reason', 'string')];
  // As recorded, the text "404" of a variable is no code there.
  const text = [param('code', 'string', { as: 'integer' }), param('reason', 'string', { as: 'value' })];
  return {
    opensips: {
      sl_send_reply: { ...send('either'), parameters: checked, routes: ['request', 'error', 'local'] },
      send_reply: {
        ...send('either'),
        parameters: checked,
        routes: ['request', 'error', 'failure', 'local', 'onreply'],
      },
      t_reply: {
        ...send('begin', 500),
        parameters: number,
        routes: ['request', 'failure', 'onreply', 'event', 'local', 'error'],
        summary: 'answers the request statefully',
      },
    },
    kamailio: {
      sl_send_reply: { ...answer('stateless'), parameters: text, routes: KAMAILIO },
      sl_reply: { ...answer('stateless'), parameters: text, routes: KAMAILIO },
      send_reply: { ...answer('either'), parameters: text, routes: KAMAILIO },
      t_reply: {
        ...answer('stateful'),
        parameters: text,
        routes: ['request', 'failure', 'onreply', 'event', 'branch-failure', 'local'],
        summary: 'answers the request statefully',
      },
    },
    both: {
      append_to_reply: {
        parameters: [param('lines', 'string')],
        routes: ['request', 'branch', 'failure', 'error', 'onreply', 'event'],
        summary: 'adds header lines, without replacing variables, to replies of this proxy',
        run: (site: Site, lines: string): number => actions.addReplyLines(site, lines),
      },
    },
  } satisfies Readonly<Record<string, SharedFunctions>>;
}
