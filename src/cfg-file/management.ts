import { accessSync, constants, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { ConfigurationTree } from '../cfg/ast.js';
import type { Json, JsonObject } from '../config/json-source.js';
import type { ModuleValues } from './parameters.js';

/** Folder in which kamcmd and kamctl look for Kamailio's sockets. */
export const RUNTIME_FOLDER = '/run/kamailio';

/** Sockets that Kamailio's modules open in the runtime folder by default, observed with 5.6.3. */
const CTL_SOCKET = 'kamailio_ctl';
const RPC_FIFO = 'kamailio_rpc.fifo';
const RPC_SOCKET = 'kamailio_rpc.sock';
/** Bits of jsonrpcs' "transport" for its FIFO and its datagram socket; 0 stands for all. */
const FIFO = 2;
const DATAGRAM = 4;

/** Translates parameters of mi_fifo, mi_datagram, mi_http, ctl and jsonrpcs to settings of switchyard.json. */
export function managementSettings(tree: ConfigurationTree, modules: ModuleValues, runtimeFolder: string): JsonObject {
  const mi: JsonObject = {};
  const last = (module: string, name: string): string | number | undefined => modules.get(module)?.get(name)?.at(-1);
  const fifo = last('mi_fifo', 'fifo_name');
  if (fifo !== undefined) {
    const reply = last('mi_fifo', 'reply_dir');
    const mode = last('mi_fifo', 'fifo_mode');
    mi['fifo'] = {
      fifo_name: String(fifo),
      ...(reply === undefined ? {} : { reply_dir: String(reply) }),
      ...(mode === undefined ? {} : { fifo_mode: modeOf(mode) }),
    };
  }
  const datagrams = modules.get('mi_datagram')?.get('socket_name');
  if (datagrams !== undefined) mi['datagram'] = datagrams.map((each) => ({ socket_name: String(each) }));
  const loaded = (module: string): boolean => tree.modules.some(({ name }) => name === module);
  if (loaded('ctl') || modules.has('ctl')) {
    const mode = modeOf(last('ctl', 'mode') ?? 0o600);
    const named = modules
      .get('ctl')
      ?.get('binrpc')
      ?.map((each) => ({ socket_name: String(each) }));
    const own = { socket_name: `unixs:${join(runtimeFolder, CTL_SOCKET)}`, optional: true };
    mi['ctl'] = (named ?? (modules.get('ctl')?.has('fifo') === true ? [] : [own])).map((each) => ({
      ...each,
      unix_socket_mode: mode,
    }));
  }
  if (loaded('jsonrpcs') || modules.has('jsonrpcs')) mi['jsonrpc'] = jsonrpcSettings(last, runtimeFolder);
  const out: JsonObject = {};
  const port = last('httpd', 'port');
  if (port !== undefined) {
    out['http'] = `${String(last('httpd', 'ip') ?? '127.0.0.1')}:${port}`;
    mi['http'] = { root: String(last('mi_http', 'root') ?? 'mi') };
  }
  if (Object.keys(mi).length > 0) out['mi'] = mi;
  return out;
}

/** Endpoints of jsonrpcs: its FIFO and its socket, at the given or the default paths. */
function jsonrpcSettings(last: (module: string, name: string) => string | number | undefined, folder: string): Json[] {
  const value = (name: string): string | undefined => {
    const given = last('jsonrpcs', name);
    return given === undefined ? undefined : String(given);
  };
  const mode = (name: string): JsonObject => {
    const given = last('jsonrpcs', name);
    return given === undefined ? {} : { [name]: modeOf(given) };
  };
  const bits = Number(last('jsonrpcs', 'transport') ?? 0);
  const serves = (bit: number): boolean => bits === 0 || (bits & bit) !== 0;
  const reply = value('fifo_reply_dir');
  const endpoints: JsonObject[] = [];
  const add = (bit: number, key: string, standard: string, more: JsonObject): void => {
    const given = value(key);
    if (!serves(bit) || given === '') return;
    const path = given ?? standard;
    const where = isAbsolute(path) || path.startsWith('udp:') ? path : join(folder, path);
    endpoints.push({ [key]: where, ...(given === undefined ? { optional: true } : {}), ...more });
  };
  add(FIFO, 'fifo_name', RPC_FIFO, {
    ...(reply === undefined ? {} : { fifo_reply_dir: reply }),
    ...mode('fifo_mode'),
  });
  add(DATAGRAM, 'dgram_socket', RPC_SOCKET, mode('dgram_mode'));
  return endpoints;
}

/** A file mode as octal digits; a cfg file gives it as a number or as text. */
function modeOf(value: string | number): string {
  return typeof value === 'number' ? `0${value.toString(8)}` : value;
}

/** A module's default socket that cannot be opened on this machine. */
export interface MissingSocket {
  readonly module: string;
  readonly message: string;
}

/** Default sockets whose folder does not exist and cannot be created. */
export function missingSockets(mi: Json | undefined): MissingSocket[] {
  const missing: MissingSocket[] = [];
  const look = (module: string, list: Json | undefined): void => {
    for (const each of Array.isArray(list) ? (list as JsonObject[]) : []) {
      const path = String(each['socket_name'] ?? each['fifo_name'] ?? each['dgram_socket']).replace(/^unixs:/, '');
      if (each['optional'] !== true || canHold(dirname(path))) continue;
      missing.push({ module, message: `${module}: ${path} is not opened: its folder does not exist` });
    }
  };
  const { ctl, jsonrpc } = (mi ?? {}) as JsonObject;
  look('ctl', ctl);
  look('jsonrpcs', jsonrpc);
  return missing;
}

/** Whether a folder exists or can be created. */
function canHold(folder: string): boolean {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return true;
  try {
    accessSync(dirname(folder), constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
