import type { Credentials } from '../auth/credentials.ts';
import type { RequestContext } from '../context/context.ts';
import type { Prepared } from './prepared.ts';

/** What is known of a request, from its first line to its answer. */
export interface Scene {
  prepared: Prepared | undefined;
  context: RequestContext;
  credentials: Credentials | undefined;
  token: string | undefined;
  startedAt: number;
  version?: number;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Absent where a request failed before anything was known of it. */
    scene: Scene | undefined;
  }
}
