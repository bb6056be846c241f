import { avpNameIn } from '../config/modparam.js';
import type { PartitionConfig } from '../config/settings.js';

/** The settings that `scriptAttrsAvps` reads. */
export interface ScriptAttrsSettings {
  readonly partitions: readonly Pick<PartitionConfig, 'name' | 'scriptAttrsAvp'>[];
}

/** The names, by partition, of the AVPs that return the attributes set by ds_push_script_attrs (script_attrs_avp). */
export function scriptAttrsAvps({ partitions }: ScriptAttrsSettings): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { name, scriptAttrsAvp } of partitions) {
    if (scriptAttrsAvp !== undefined) names.set(name, avpNameIn(scriptAttrsAvp));
  }
  return names;
}
