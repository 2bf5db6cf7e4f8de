import type { TSchema } from 'typebox';
import type { Call } from '../../../platform/http/call.ts';
import type { Server } from '../store/servers.ts';

/** One thing that `POST /servers/{id}/action` can ask for. */
export interface ServerAction {
  policy: string;
  /** Of what stands under the action's name, or one for each microversion since which it holds; default: anything. */
  schema?: TSchema | readonly (readonly [since: string, schema: TSchema])[];
  since?: string;
  until?: string;
  run(server: Server, call: Call, given: never): unknown;
}

/** Gives an action's `run` the type of its schema. */
export const serverAction = <Given>(
  action: Omit<ServerAction, 'run'> & { run(server: Server, call: Call, given: Given): unknown },
): ServerAction => action as ServerAction;
