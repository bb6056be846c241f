import { trimmedIfThere } from '../../../core/characters.js';
import { type Algorithm, MISSING_INPUT } from '../../algorithms/algorithm.js';
import { dispatcherHash } from '../../hash.js';

/** Algorithm 7: hash of the value of hash_pvar for this request. */
export const hashVariable: Algorithm = {
  code: 7,
  name: 'hash-variable',
  choose(set, request, end, _flags, partition, env) {
    const value = trimmedIfThere(request.hashVar(partition.name));
    if (value === undefined) {
      env.warn(partition.name, 'algorithm 7 needs the hash_pvar parameter, which is not set');
      return MISSING_INPUT;
    }
    return value === '' ? MISSING_INPUT : set.byHash(dispatcherHash(value), end);
  },
};
