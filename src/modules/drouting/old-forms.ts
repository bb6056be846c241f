import type { CallSite } from '../../cfg/function-table.js';
import type { Arg, Args, FunctionSpec } from '../define.js';
import { optional } from '../define.js';

/** Functions that take the partition first in OpenSIPS 2.x where `use_partitions` is set. */
const PARTITION_FIRST = ['use_next_gw', 'next_routing', 'goes_to_gw', 'is_from_gw', 'dr_is_gw'];

/** Throws an Error when an argument is not of the kind that the function expects at its place. */
function checkKinds(args: Args, { parameters = [] }: Pick<FunctionSpec, 'parameters'>): void {
  for (const [i, parameter] of parameters.entries()) {
    const arg = args[i];
    if (arg === undefined) {
      if (parameter.optional !== true) throw new Error(`${parameter.name} is missing`);
    } else if (parameter.kind === 'writable') {
      if (arg.variable?.writable !== true) throw new Error(`${parameter.name} must be a variable`);
    } else if (parameter.kind === 'int' && arg.constant !== undefined && !/^[ \t]*-?\d{1,9}[ \t]*$/.test(arg.text)) {
      throw new Error(`${parameter.name} must be a number, not "${arg.text}"`);
    }
  }
}

/**
 * The same function as files of OpenSIPS 2.x call it. Where the file sets `use_partitions`, its first argument is the
 * partition, which is the last one in later versions; otherwise there is none.
 */
function oldForm(spec: Omit<FunctionSpec, 'dialects'>): Omit<FunctionSpec, 'dialects'> {
  const { parameters = [], compile } = spec;
  const isPartitioned = (site: CallSite): boolean =>
    Number(site.facts.parameter?.('drouting', 'use_partitions') ?? 0) !== 0;
  return {
    ...spec,
    until: 2,
    parameters: parameters.map(({ name }, i) => optional(i === 0 ? `partition, or ${name}` : name, 'expression')),
    compile: (args, site) => {
      // An argument may be omitted by "", too.
      const given = args.map((arg): Arg | undefined => (arg?.constant === '' ? undefined : arg));
      if (!isPartitioned(site)) {
        checkKinds(given, spec);
        return compile(given, site);
      }
      const [partition, ...rest] = given;
      if (partition === undefined)
        throw new Error('the partition is missing, with which use_partitions begins the list');
      const moved: Args = [...Array.from({ length: parameters.length - 1 }, (_, i) => rest[i]), partition];
      checkKinds(moved, spec);
      return compile(moved, site);
    },
  };
}

/** The forms in OpenSIPS 2.x of those functions whose order of arguments has changed. */
export function oldForms(specs: readonly Omit<FunctionSpec, 'dialects'>[]): Omit<FunctionSpec, 'dialects'>[] {
  return specs.filter(({ name }) => PARTITION_FIRST.includes(name)).map(oldForm);
}
