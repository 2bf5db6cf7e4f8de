import type { MicroversionRange } from '../microversion/microversion.ts';
import type { Route } from './route.ts';
import type { ErrorStyle } from './style.ts';

/** One HTTP API: what listens on one port. Plain description; `serveApi` brings it to life. */
export interface Api {
  /** The service type, as in the catalog: `compute`. */
  name: string;
  title: string;
  errors: ErrorStyle;
  /** With full paths; `under('/v2.1', routes)` puts a prefix. */
  routes: Route[];
  microversions?: MicroversionRange;
  /** Bytes of a request body; default is oslo.middleware's 112 KiB (114,688). */
  bodyLimit?: number;
  /** Rewrites a request's path before routing, e.g. `/v2.1/<project id>/servers` → `/v2.1/servers`. */
  rewrite?(path: string): string;
  /** An older header that says the request's id too: compute's `x-compute-request-id`. */
  requestIdHeader?: string;
  /** Sent with every answer: identity's `Vary`. */
  headers?: Readonly<Record<string, string>>;
  /** Below identity's URL, where `WWW-Authenticate` sends who has no token: identity itself says `/v3`. */
  challengePath?: string;
  /** Whether HEAD is answered where GET is. Default true. */
  answersHead?: boolean;
  /** Whether a path with an empty part, as at a slash at its end, is unknown. Default false: such slashes do not count. */
  exactPaths?: boolean;
  /**
   * Whether a body that is no JSON is given to the handler, as the error that says so, which throws it in its own time:
   * for APIs that look for what the path names first. Default false: it is refused at once.
   */
  handsOnBadJson?: boolean;
  /** Whether bodies are taken for JSON whatever type they are said to be, as upstream's older APIs do. Default false. */
  readsUndeclaredJson?: boolean;
  /** Whether an unknown path needs a token before it is said to be unknown, as behind keystonemiddleware. Default true. */
  guardsUnknownPaths?: boolean;
}

/** The same routes below a prefix. */
export const under = (prefix: string, routes: readonly Route[]): Route[] =>
  routes.map((each) => ({ ...each, path: `${prefix}${each.path === '/' ? '' : each.path}` }));
