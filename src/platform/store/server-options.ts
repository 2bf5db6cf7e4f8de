import type { KeyNames } from './ddl.ts';
import type { Decoders } from './decode.ts';

/** What a database server's engine needs to know. */
export interface ServerOptions {
  /** The schema's name, for the server's list of connections. */
  name: string;
  url: string;
  /** The most connections; half of them for single reads. */
  connections: number;
  decoders: Decoders;
  keys: KeyNames;
}
