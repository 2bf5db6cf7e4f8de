import { createHash } from 'node:crypto';
import { ApiError } from '../../../platform/errors/errors.ts';
import { Answer, type Call } from '../../../platform/http/call.ts';
import type { Route } from '../../../platform/http/route.ts';
import type { Audit, Write } from '../audit.ts';

type Teller = Pick<Audit, 'wrote' | 'assigned'>;

/** What a route that writes means, told once it is done or has failed. */
interface Meaning {
  done(call: Call, result: unknown): void;
  failed?(call: Call, error: unknown): unknown;
}

/** The API's words for what its collections hold, where notifications have others or none follows from them. */
const held: Readonly<Record<string, string>> = {
  policies: 'policy',
  credentials: 'credential',
  application_credentials: 'application_credential',
  access_rules: 'access_rule',
  trusts: 'OS-TRUST:trust',
  consumers: 'OS-OAUTH1:consumer',
  access_tokens: 'OS-OAUTH1:access_token',
  limits: 'limit',
  registered_limits: 'registered_limit',
  identity_providers: 'identity_provider',
  protocols: 'federation_protocol',
  endpoint_groups: 'endpoint_group',
  service_providers: 'service_provider',
  mappings: 'mapping',
};

const operations: Readonly<Record<string, Write['operation']>> = {
  POST: 'created',
  PUT: 'created',
  PATCH: 'updated',
  DELETE: 'deleted',
};

/**
 * Lets every route that writes tell of it: a route says by its method and path which resource it makes, changes or
 * ends, so that no handler need. A handler has committed when it returns, and so the telling comes after.
 */
export const audited = (routes: readonly Route[], audit: Audit): Route[] =>
  routes.map((each) => {
    const meaning = meaningOf(each, audit);
    if (!meaning) return each;
    return {
      ...each,
      async handler(call) {
        try {
          const result = await each.handler(call);
          meaning.done(call, result);
          return result;
        } catch (error) {
          meaning.failed?.(call, error);
          throw error;
        }
      },
    };
  });

/** @returns undefined for a route that only reads, and for one of which nothing is told, as upstream */
export function meaningOf(
  { method, path }: Pick<Route, 'method' | 'path'>,
  audit: Teller,
): Meaning | undefined {
  const operation = operations[method];
  if (!operation) return undefined;
  return (
    assignment(path, operation, audit) ??
    membership(path, operation, audit) ??
    part(path, audit) ??
    keyPair(path, operation, audit) ??
    handedOut(path, audit) ??
    resource(path, operation, audit)
  );
}

/** Roles of users and groups on projects, domains and the system. */
function assignment(path: string, operation: Write['operation'], audit: Teller): Meaning | undefined {
  const [, where, who] =
    /\/(projects\/:id|domains\/:id|system)\/(users|groups)\/:actor_id\/roles\/:role_id/.exec(path) ?? [];
  if (!where || !who || operation === 'updated') return undefined;
  const kind = where.split('/', 1)[0] as string;
  const told = (call: Call, outcome: 'success' | 'failure') =>
    audit.assigned({
      operation,
      outcome,
      parts: {
        ...(kind === 'system' ? { system: 'all' } : { [one(kind)]: call.params['id'] }),
        [one(who)]: call.params['actor_id'],
        inherited_to_projects: path.endsWith('/inherited_to_projects'),
        role: call.params['role_id'],
      },
    });
  return {
    done: (call) => told(call, 'success'),
    failed: (call, error) => isDenied(error) || told(call, 'failure'),
  };
}

function membership(path: string, operation: Write['operation'], audit: Teller): Meaning | undefined {
  if (path !== '/v3/groups/:id/users/:user_id') return undefined;
  return {
    done: ({ params }) =>
      audit.wrote({
        resource: 'group',
        operation: 'updated',
        id: params['id'] as string,
        actor: {
          id: params['user_id'] as string,
          type: 'user',
          operation: operation === 'deleted' ? 'removed' : 'added',
        },
      }),
  };
}

/** What is a part of its resource: a write of it is a change of that. */
function part(path: string, audit: Teller): Meaning | undefined {
  const [, collection, what] = /^\/v3\/(projects|users)\/:id\/(tags|password)(?:\/|$)/.exec(path) ?? [];
  if (!collection) return undefined;
  const write = (call: Call): Write => ({
    resource: one(collection),
    operation: 'updated',
    id: call.params['id'] as string,
  });
  const done = (call: Call) => audit.wrote(write(call));
  if (what === 'tags') return { done };
  return {
    done,
    // That a password is wrong, the try of it tells.
    failed(call, error) {
      if (!(error instanceof ApiError) || error.status !== 400) return;
      const reason = { reasonCode: '400', reasonType: error.message };
      audit.wrote({ ...write(call), outcome: 'failure', reason });
    },
  };
}

/** EC2's access and secret: a credential whose id is the hash of its access. */
function keyPair(path: string, operation: Write['operation'], audit: Teller): Meaning | undefined {
  if (!/\/credentials\/OS-EC2(?:\/:access)?$/.test(path)) return undefined;
  return {
    done({ params }, result) {
      const shown = (result instanceof Answer ? result.body : result) as
        | { credential?: { access?: string } }
        | undefined;
      const access = params['access'] ?? shown?.credential?.access ?? '';
      audit.wrote({
        resource: 'credential',
        operation,
        id: createHash('sha256').update(access).digest('hex'),
      });
    },
  };
}

/** OAuth's tokens, which a consumer gets as a form: the id alone is told, never the secret beside it. */
function handedOut(path: string, audit: Teller): Meaning | undefined {
  const [, what] = /^\/v3\/OS-OAUTH1\/(request_token|access_token)$/.exec(path) ?? [];
  if (!what) return undefined;
  return {
    done(_call, result) {
      const form = result instanceof Answer ? String(result.body) : '';
      const id = new URLSearchParams(form).get('oauth_token');
      if (id !== null) audit.wrote({ resource: `OS-OAUTH1:${what}`, operation: 'created', id });
    },
  };
}

/** An item of a collection, or an item that is put into it. */
function resource(path: string, operation: Write['operation'], audit: Teller): Meaning | undefined {
  const [, collection = '', parameter] = /\/([\w-]+)(?:\/:(\w+))?$/.exec(path) ?? [];
  const name = held[collection] ?? described(path, collection);
  if (!name) return undefined;
  return {
    done(call, result) {
      const known = parameter === undefined ? undefined : call.params[parameter];
      const ids = known === undefined ? idsIn(result) : [known];
      for (const id of ids) audit.wrote({ resource: name, operation, id });
    },
  };
}

/** The collections at the API's root are called after what they hold. */
const described = (path: string, collection: string): string | undefined =>
  /^\/v3\/[a-z_]+(?:\/:id)?$/.test(path) ? one(collection) : undefined;

/** Who may not try has not tried. */
const isDenied = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 401 || error.status === 403);

const one = (collection: string): string => collection.replace(/s$/, '');

/** The ids of what an answer shows: `{ user: { id } }`, `{ limits: [{ id }] }`. */
function idsIn(result: unknown): string[] {
  const body = result instanceof Answer ? result.body : result;
  if (typeof body !== 'object' || body === null) return [];
  return Object.values(body)
    .flat()
    .flatMap((each: unknown) => {
      const id = typeof each === 'object' && each !== null ? (each as { id?: unknown }).id : undefined;
      return typeof id === 'string' ? [id] : [];
    });
}
