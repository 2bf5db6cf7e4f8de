import { BadRequest, Forbidden } from '../../../platform/errors/errors.ts';
import { parseIsoTime } from './timestamps.ts';

/** What the rules of handing on look at. */
export interface TrustTerms {
  id: string;
  impersonation: boolean;
  role_ids: readonly string[];
  expires_at: string | null;
  remaining_uses: number | null;
  redelegation_count: number;
}

/**
 * How far a new trust may be handed on.
 *
 * @param asked.allow whether it may at all
 * @param asked.count how many times; undefined: as many as there may be
 * @param from the trust that it hands on itself
 * @throws BadRequest, Forbidden as keystone's trust manager words them
 */
export function redelegationCount(
  asked: { allow: boolean; count: number | null | undefined; remaining_uses: number | null },
  most: number,
  from?: TrustTerms,
): number {
  const { allow, count, remaining_uses } = asked;
  const redelegatable = allow && count !== 0;
  if (!redelegatable) return 0;
  if (count && count > most)
    throw new Forbidden(`Requested redelegation depth of ${count} is greater than allowed ${most}`);
  if (remaining_uses !== null)
    throw new BadRequest('remaining_uses must not be set if redelegation is allowed');
  const left = from ? from.redelegation_count - 1 : most;
  if (from && count && count !== left) {
    throw new Forbidden(
      'Modifying "redelegation_count" upon redelegation is forbidden. Omitting this parameter is advised.',
    );
  }
  return count ?? left;
}

/** @throws Forbidden where a trust hands on more than the one that it stands on gives */
export function assertRedelegates(parent: TrustTerms, child: TrustTerms, most: number): void {
  const depth = parent.redelegation_count;
  if (!(depth > 0 && depth <= most)) {
    throw new Forbidden(`Remaining redelegation depth of ${depth} out of allowed range of [0..${most}]`);
  }
  if (child.remaining_uses !== null) {
    throw new Forbidden(
      `Field "remaining_uses" is set to ${child.remaining_uses} while it must not be set in order to redelegate a trust`,
    );
  }
  if (
    parent.expires_at !== null &&
    (child.expires_at === null || parseIsoTime(child.expires_at) > parseIsoTime(parent.expires_at))
  )
    throw new Forbidden('Requested expiration time is more than redelegated trust can provide');
  if (!child.role_ids.every((id) => parent.role_ids.includes(id)))
    throw new Forbidden('Some of requested roles are not in redelegated trust');
  if (!parent.impersonation && child.impersonation) {
    throw new Forbidden(
      `Impersonation is not allowed because redelegated trust does not specify impersonation. Redelegated trust id: ${parent.id}`,
    );
  }
}
