/** Who asks. All but `admin` and `system` are made for the run. */
export type Who =
  /** The cloud's administrator, with a token for a project. */
  | 'admin'
  /** The same, with a token for the system. */
  | 'system'
  /** A reader on the system. */
  | 'systemReader'
  /** An administrator of the domain that the run has made, with a token for it. */
  | 'domainAdmin'
  /** A member and a reader of the run's project. */
  | 'member'
  | 'reader'
  /** A member of another project, in another domain. */
  | 'stranger'
  /** A token without scope, the member's. */
  | 'unscoped'
  /** No token. */
  | 'nobody';

/**
 * An operation, and how it is asked for when all is well. The other cases follow (`casesOf`). `{name}` stands for what an
 * earlier row has kept, in the path as in the body; `{tag}` for a word of this run, `{#name}` for a
 * number.
 */
export interface Row {
  /** `PATCH /v3/users/{user}` */
  ask: string;
  /** Whom it is asked by when all is well: `admin`. */
  as?: Who;
  body?: unknown;
  /** A body that is not JSON, as it is sent. */
  text?: string;
  headers?: Readonly<Record<string, string>>;
  /** What later rows need of the answer: a path into its JSON (`user.id`), or `header:<name>`. */
  keep?: Readonly<Record<string, string>>;
  /** Who else asks, before: `nobody` and `stranger`, and for what is only read `reader` and `systemReader`. */
  also?: readonly Who[];
  /** Only as it stands: no other case follows. */
  only?: boolean;
  /** Asked again and again until the answer has this in it: what goes on behind an answer has to end. */
  until?: RegExp;
  /** Which service is asked, where not the table's own: to prepare. */
  service?: string;
}

/** What of a service is compared. */
export interface Table {
  /** As in the catalog. */
  service: string;
  /** What an id looks like that nothing has. */
  nowhere: string;
  /** Sent with each request. */
  headers?: Readonly<Record<string, string>>;
  rows: readonly Row[];
}
