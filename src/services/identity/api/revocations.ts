import { BadRequest, Forbidden, Gone } from '../../../platform/errors/errors.ts';
import { type Route, route } from '../../../platform/http/route.ts';
import type { Identity } from '../identity.ts';
import { parseIsoTime, toIsoTime } from '../model/timestamps.ts';

/** OS-REVOKE: what is revoked, for who validates tokens himself; and what was there for tokens that were certificates. */
export function revocationRoutes(identity: Identity): Route[] {
  const gone = (path: string): Route =>
    route({
      method: 'GET',
      path,
      summary: 'No longer there: tokens are not signed with certificates',
      public: true,
      handler() {
        throw new Gone('This API is no longer available due to the removal of support for PKI tokens.');
      },
    });

  return [
    route({
      method: 'GET',
      path: '/v3/OS-REVOKE/events',
      summary: 'List what is revoked',
      policy: 'identity:list_revoke_events',
      async handler(call) {
        const since = call.queryValue('since');
        const seconds = since ? secondsOf(since) : 0;
        const rows = await identity.store.db
          .selectFrom('revocations')
          .selectAll()
          .where('issued_before', '>=', Math.floor(seconds))
          .where('forget_at', '>=', Math.floor(Date.now() / 1000))
          .orderBy('issued_before')
          .execute();
        const events = rows.map(({ user_id, project_id, domain_id, audit_id, issued_before }) => {
          const at = toIsoTime(issued_before * 1e6);
          const about = Object.entries({ user_id, domain_id, project_id, audit_id });
          return {
            ...Object.fromEntries(about.filter(([, value]) => value !== null)),
            issued_before: at,
            revoked_at: at,
          };
        });
        const self = `${call.origin}/v3/OS-REVOKE/events`;
        return { events, links: { next: null, self, previous: null } };
      },
    }),
    route({
      method: 'GET',
      path: '/v3/auth/tokens/OS-PKI/revoked',
      summary: 'Not supported: tokens are not kept, so those that are revoked cannot be listed',
      public: true,
      handler() {
        throw new Forbidden();
      },
    }),
    gone('/v3/OS-SIMPLE-CERT/ca'),
    gone('/v3/OS-SIMPLE-CERT/certificates'),
  ];
}

function secondsOf(text: string): number {
  try {
    return parseIsoTime(text) / 1e6;
  } catch {
    throw new BadRequest(`invalidate date format ${text.slice(0, 80)}`);
  }
}
