import { avpNameIn } from '../config/modparam.js';
import type { PartitionConfig } from '../config/settings.js';

/** What is looked at for `scriptAttrsAvps`. */
export interface ScriptAttrsSettings {
  readonly partitions: readonly Pick<PartitionConfig, 'name' | 'scriptAttrsAvp'>[];
}

/** Names of the AVPs that show what ds_push_script_attrs attached to a destination (script_attrs_avp), by partition. */
export function scriptAttrsAvps({ partitions }: ScriptAttrsSettings): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { name, scriptAttrsAvp } of partitions) {
    if (scriptAttrsAvp !== undefined) names.set(name, avpNameIn(scriptAttrsAvp));
  }
  return names;
}
