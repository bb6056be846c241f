import { type NatsConnection, nanos } from 'nats';

/** All status events of the stream in order. */
export async function storedEvents(client: NatsConnection, stream = 'DISPATCHER'): Promise<Record<string, unknown>[]> {
  const manager = await client.jetstreamManager();
  const { state } = await manager.streams.info(stream);
  if (state.messages === 0) return [];
  const consumer = await client.jetstream().consumers.get(stream);
  const events: Record<string, unknown>[] = [];
  let left = state.messages;
  while (left > 0) {
    const batch = await consumer.fetch({ max_messages: Math.min(500, left), expires: 2000 });
    let received = 0;
    for await (const message of batch) {
      received++;
      const { method, params } = JSON.parse(message.string());
      if (method === 'E_DISPATCHER_STATUS') events.push(params);
      if (received === Math.min(500, left)) break;
    }
    if (received === 0) break;
    left -= received;
  }
  return events;
}

/** The records of a cluster's bucket by key. */
export async function storedRecords(
  client: NatsConnection,
  cluster: string,
): Promise<Map<string, Record<string, unknown>>> {
  const bucket = `SWITCHYARD_${cluster}`;
  const consumer = await client.jetstream().consumers.get(`KV_${bucket}`, { filterSubjects: `$KV.${bucket}.d.>` });
  const records = new Map<string, Record<string, unknown>>();
  for (let left = (await consumer.info()).num_pending; left > 0; left--) {
    const message = await consumer.next({ expires: 2000 });
    if (message === null) break;
    const text = message.string();
    const key = message.subject.slice(`$KV.${bucket}.`.length);
    if (text !== '') records.set(key, JSON.parse(text));
  }
  return records;
}

/** For each record: number of edges, the last edge noted as stored, edges not noted. */
export async function storedNumbers(client: NatsConnection, cluster: string): Promise<[number, number, number][]> {
  const records = [...(await storedRecords(client, cluster)).values()];
  return records.map(({ q, told: noted, ev }) => [Number(q), Number(noted), (ev as unknown[]).length]);
}

/** Makes the event stream with a different duplicate window. */
export async function streamWithWindow(client: NatsConnection, windowMs: number): Promise<void> {
  const manager = await client.jetstreamManager();
  const subjects = ['opensips.E_DISPATCHER_STATUS.>', 'opensips.audit.>'];
  await manager.streams.add({ name: 'DISPATCHER', subjects, duplicate_window: nanos(windowMs) });
}

/** States by address from the public bucket. */
export async function bucketStates(client: NatsConnection, bucket = 'DISPATCHER_STATE'): Promise<Map<string, string>> {
  const consumer = await client.jetstream().consumers.get(`KV_${bucket}`);
  const states = new Map<string, string>();
  for (let left = (await consumer.info()).num_pending; left > 0; left--) {
    const message = await consumer.next({ expires: 2000 });
    if (message === null) break;
    const operation = message.headers?.get('KV-Operation') ?? '';
    if (operation !== '' || message.data.length === 0) continue;
    const { address, state } = JSON.parse(message.string());
    states.set(address, state);
  }
  return states;
}
