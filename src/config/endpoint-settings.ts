/** What bounds the requests of an endpoint. */
export interface EndpointBounds {
  /** User whose role and partitions they have; undefined: everything is allowed. */
  readonly as?: string | undefined;
  /** Addresses and CIDR blocks they are taken from; undefined: all. */
  readonly allow?: readonly string[] | undefined;
}

/** A user of the management interface. */
export interface AccessUserConfig {
  readonly name: string;
  /** "scrypt:..." */
  readonly password: string | undefined;
  /** "sha256:..." */
  readonly token: string | undefined;
  readonly role: 'viewer' | 'operator' | 'admin';
  /** undefined: all, and the process itself. */
  readonly partitions: readonly string[] | undefined;
}

/** A FIFO that takes requests, and where its clients have theirs. */
export interface FifoConfig {
  /** User whose role and partitions its requests have; undefined: everything is allowed. */
  readonly as?: string | undefined;
  readonly fifoName: string;
  /** Octal, as number (0o660). */
  readonly fifoMode: number;
  /** Folder reply FIFOs stand in, with trailing "/": fifo reply_dir, default /tmp/. */
  readonly replyDir: string;
}

/** A datagram socket that takes requests. */
export interface DatagramConfig extends EndpointBounds {
  /** "udp:127.0.0.1:8080" or an absolute path of a UNIX socket. */
  readonly socketName: string;
  /** Mode of a UNIX socket, default 0o660. */
  readonly unixMode: number;
}

/** A BINRPC socket, as Kamailio's ctl module describes them. */
export interface CtlConfig extends EndpointBounds {
  /** UNIX stream, UNIX datagram, TCP or UDP. */
  readonly transport: 'unixs' | 'unixd' | 'tcp' | 'udp';
  /** Absolute path of a UNIX socket, or host (IP literal without brackets). */
  readonly address: string;
  /** 0 for UNIX sockets. */
  readonly port: number;
  /** As written, for messages. */
  readonly text: string;
  /** Mode of a UNIX socket, default 0o660. */
  readonly unixMode: number;
  /** Partition it is for; undefined: see the schema. */
  readonly partition: string | undefined;
  /** Where it cannot be opened, that is logged and the daemon works without it. */
  readonly optional: boolean;
}

/** Endpoints of Kamailio's JSON-RPC. */
export interface JsonRpcConfig extends EndpointBounds {
  readonly fifo: FifoConfig | undefined;
  readonly datagram: DatagramConfig | undefined;
  readonly http: { readonly root: string } | undefined;
  readonly partition: string | undefined;
  /** Where its FIFO or socket cannot be opened, that is logged and the daemon works without it. */
  readonly optional: boolean;
}

/** The HTTP listener. */
export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** PEM files; undefined: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Host names it is reached by, besides addresses, "localhost" and the machine's own name. */
  readonly hosts: readonly string[];
  /** Whether /metrics answers without a name where there are users. */
  readonly openMetrics: boolean;
}
