import { isMainThread } from 'node:worker_threads';

/** Watches whether a descriptor can be read or written; created by `Libc.poll`. */
export interface Poll {
  /** Watches for reading and, with `writing`, for writing. */
  watch(writing: boolean): void;
  /** Pauses until `watch` is called. */
  rest(): void;
  /** Ends watching. The descriptor may then be closed at once. */
  close(): void;
}

/**
 * Called on the event loop when the descriptor is ready or has an error; after an error, `watch` must be called again.
 */
export type PollListener = (writable: boolean, failed: boolean) => void;

/** The parts of koffi that this file uses. */
interface ForeignFunctions {
  readonly library: { func(definition: string): (...values: never[]) => unknown };
  proto(definition: string): unknown;
  pointer(type: unknown): unknown;
  register(callback: (...values: number[]) => void, type: unknown): bigint;
  unregister(callback: bigint): void;
  allocate(bytes: number): { readonly address: bigint };
}

/** enum uv_handle_type, enum uv_poll_event (docs.libuv.org, handle and poll). */
const UV_POLL = 8;
const UV_READABLE = 1;
const UV_WRITABLE = 2;

/** The type of the callback: koffi registers a name once per process. */
let callbackType: unknown;

/**
 * Polls with libuv's uv_poll_t, which every node binary exports for native modules. Otherwise node:dgram would have to
 * read the datagrams, which costs more than everything else at a low rate. Works in the main thread only, since the
 * event loop of a worker thread cannot be found. Throws where these functions are missing.
 */
export function pollBy(koffi: ForeignFunctions): (fd: number, listen: PollListener) => Poll {
  if (!isMainThread) throw new Error('libuv polls in the main thread only');
  const { library } = koffi;
  const loop = (library.func('void *uv_default_loop()') as () => unknown)();
  const size = (library.func('size_t uv_handle_size(int)') as unknown as (type: number) => number)(UV_POLL);
  const init = library.func('int uv_poll_init(void *, void *, int)') as unknown as Init;
  const start = library.func('int uv_poll_start(void *, int, void *)') as unknown as Start;
  const stop = library.func('int uv_poll_stop(void *)') as unknown as (handle: bigint) => number;
  const end = library.func('void uv_close(void *, void *)') as unknown as (handle: bigint, done: null) => void;
  callbackType ??= koffi.pointer(koffi.proto('void SwitchyardPolled(uintptr_t, int, int)'));
  return (fd, listen) => {
    const { address } = koffi.allocate(Number(size));
    const result = init(loop, address, fd);
    if (result !== 0) throw new Error(`uv_poll_init: ${result}`);
    const callback = koffi.register((_handle, status = 0, events = 0) => {
      try {
        listen((events & UV_WRITABLE) !== 0, status < 0);
      } catch (error) {
        // An exception thrown here would pass through C code.
        setImmediate(() => {
          throw error;
        });
      }
    }, callbackType);
    return {
      watch(writing) {
        const failure = start(address, writing ? UV_READABLE | UV_WRITABLE : UV_READABLE, callback);
        if (failure !== 0) throw new Error(`uv_poll_start: ${failure}`);
      },
      rest() {
        stop(address);
      },
      close() {
        stop(address);
        end(address, null);
        koffi.unregister(callback);
      },
    };
  };
}

type Init = (loop: unknown, handle: bigint, fd: number) => number;
type Start = (handle: bigint, events: number, callback: bigint) => number;
