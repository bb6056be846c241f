/** Limits for the requests of an endpoint. */
export interface EndpointBounds {
  /** User whose role and partitions the requests have; undefined: everything is allowed. */
  readonly as?: string | undefined;
  /** Addresses and CIDR blocks from which requests are accepted; undefined: all. */
  readonly allow?: readonly string[] | undefined;
}

/** A user of the management interface. */
export interface AccessUserConfig {
  readonly name: string;
  /** The password hash: "scrypt:...". */
  readonly password: string | undefined;
  /** The token hash: "sha256:...". */
  readonly token: string | undefined;
  readonly role: 'viewer' | 'operator' | 'admin';
  /** Partitions the user may see; undefined: all, and the commands for the whole process. */
  readonly partitions: readonly string[] | undefined;
}

/** A FIFO for requests, and where the FIFOs for replies are. */
export interface FifoConfig {
  /** User whose role and partitions the requests have; undefined: everything is allowed. */
  readonly as?: string | undefined;
  readonly fifoName: string;
  /** File mode, such as 0o660. */
  readonly fifoMode: number;
  /** Folder of the reply FIFOs with trailing "/" (reply_dir), default /tmp/. */
  readonly replyDir: string;
}

/** A datagram socket for requests. */
export interface DatagramConfig extends EndpointBounds {
  /** "udp:127.0.0.1:8080" or the absolute path of a UNIX socket. */
  readonly socketName: string;
  /** File mode of a UNIX socket, default 0o660. */
  readonly unixMode: number;
}

/** A BINRPC socket, as in Kamailio's ctl module. */
export interface CtlConfig extends EndpointBounds {
  /** UNIX stream, UNIX datagram, TCP or UDP. */
  readonly transport: 'unixs' | 'unixd' | 'tcp' | 'udp';
  /** Absolute path of a UNIX socket, or host (IP literal without brackets). */
  readonly address: string;
  /** 0 for UNIX sockets. */
  readonly port: number;
  /** As written in the settings, for messages. */
  readonly text: string;
  /** File mode of a UNIX socket, default 0o660. */
  readonly unixMode: number;
  /** The only partition of the endpoint; undefined: the default of the schema. */
  readonly partition: string | undefined;
  /** If it cannot be opened, that is logged and the daemon works without it. */
  readonly optional: boolean;
}

/** The endpoints for Kamailio's JSON-RPC. */
export interface JsonRpcConfig extends EndpointBounds {
  readonly fifo: FifoConfig | undefined;
  readonly datagram: DatagramConfig | undefined;
  readonly http: { readonly root: string } | undefined;
  readonly partition: string | undefined;
  /** If the FIFO or socket cannot be opened, that is logged and the daemon works without it. */
  readonly optional: boolean;
}

/** The HTTP listener. */
export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** PEM files; undefined: plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Host names of this server, besides addresses, "localhost" and the machine's own name. */
  readonly hosts: readonly string[];
  /** Whether /metrics needs no authentication even if there are users. */
  readonly openMetrics: boolean;
}
