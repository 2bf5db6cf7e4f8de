import type { ApiError } from '../errors/errors.ts';
import type { Microversion } from '../microversion/microversion.ts';
import type { Invalid } from './validation.ts';

/** What of a request an API's error body may need. */
export interface ErrorScene {
  requestId: string;
  /** Whether the route is this API's own; unknown paths have bodies of their own upstream. */
  routed: boolean;
  accept: string | undefined;
  method: string;
  /** The microversion of the request; `undefined` where the request failed before it was known. */
  version?: Microversion | undefined;
}

/** How one OpenStack API words its errors. Every error of an API passes here and nowhere else. */
export interface ErrorStyle {
  /** The body (an object is sent as JSON, a string as it is) and its content type where that is not JSON. */
  errorBody(error: ApiError, scene: ErrorScene): { body: unknown; contentType?: string };
  /** A request that does not fit its schema, as the API says it; mostly a 400. */
  invalid(problem: Invalid): ApiError;
  /** Whoever has no good token, where the API refuses them itself; default is keystonemiddleware's answer. */
  unauthorized?(): ApiError;
  /** A body that is said to be JSON and is not; default is a 400 in plain words. */
  badJson?(): ApiError;
  /** Whether JSON that is no object counts as bad. */
  objectsOnly?: boolean;
  /** A body that is not JSON where JSON is wanted; default is a 415 in plain words. `undefined`: no content type. */
  notJson?(contentType: string | undefined): ApiError;
}
