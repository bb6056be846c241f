import { sees } from '../../../access/rights.js';
import { SwitchyardError } from '../../../core/errors.js';
import type { MiCommand } from '../command.js';
import { MiError } from '../command.js';
import type { MiDependencies } from '../dependencies.js';

/** Longest request that is looked at. */
const MOST_BYTES = 64 * 1024;

/** explain: where a request would go by the rules now, and why; it sends nothing and advances no round robin. */
export function explainCommand(deps: MiDependencies): MiCommand {
  return {
    name: 'explain',
    aliases: ['switchyard:explain'],
    module: 'switchyard',
    help: 'says where a request would go now, and why: request (its text), source=ADDRESS it comes from',
    // Who is restricted to partitions is shown the rules that select in them, and no others.
    needs: { role: 'viewer' },
    paramLists: [[{ name: 'request', type: 'string' }]],
    extraParams: [{ name: 'source', type: 'string' }],
    run(params, { caller }) {
      const request = params['request'] as string;
      if (request.length > MOST_BYTES) throw new MiError(400, 'Bad parameter value', 'the request is too long');
      try {
        const isSeen = caller.partitions && ((partition: string) => sees(caller, partition));
        return deps.explain(request, params['source'] as string | undefined, isSeen);
      } catch (error) {
        if (error instanceof SwitchyardError) throw new MiError(400, 'Bad parameter value', error.message);
        throw error;
      }
    },
  };
}
