import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { Credentials } from '../auth/credentials.ts';

/** What follows a request through the program and over the bus: log lines, flows and notifications carry it. */
export interface RequestContext {
  /** `req-<uuid>`, what `x-openstack-request-id` answers. */
  requestId: string;
  /** The first request's id when this one was made on its behalf (`X-OpenStack-Request-ID` of the caller). */
  globalRequestId?: string;
  /** Absent where the program acts for itself: agents, periodic work. */
  credentials?: Credentials;
  /** Where the request came from, where it came over HTTP; `agent` is what the client calls itself. */
  client?: { address: string; agent?: string };
}

const storage = new AsyncLocalStorage<RequestContext>();

/** A new request id, in the form every OpenStack service uses. */
export const newRequestId = (): string => `req-${randomUUID()}`;

/** The context of the work that is running; a fresh one without credentials where nothing set one. */
export function currentContext(): RequestContext {
  return storage.getStore() ?? { requestId: newRequestId() };
}

/** The context of the work that is running, where something set one: for log lines, which make none up. */
export const contextIfAny = (): RequestContext | undefined => storage.getStore();

/** Runs `work` (and all it awaits) within `context`. */
export function withContext<T>(context: RequestContext, work: () => T): T {
  return storage.run(context, work);
}
