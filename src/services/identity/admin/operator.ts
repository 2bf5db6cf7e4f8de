import { BadRequest } from '../../../platform/errors/errors.ts';
import type { Platform } from '../../../platform/service/service.ts';
import type { Identity } from '../identity.ts';
import { parseIsoTime } from '../model/timestamps.ts';
import type { Keys } from '../open-keys.ts';
import { diagnose } from './doctor.ts';
import { recoverAdmin } from './recover-admin.ts';

/** What the operator of this host may do with identity, beside the ids of directories (`drivers/operator.ts`). */
export function offerAdministration(
  platform: Pick<Platform, 'offer' | 'stateDir'>,
  identity: Identity,
  keys: Keys,
): void {
  const { stateDir } = platform;
  platform.offer('rotate-fernet-keys', async () => {
    await keys.tokens.rotate();
    return { rotated: true };
  });
  platform.offer('rotate-credential-keys', async () => ({ encrypted: await identity.credentials.rotate() }));
  platform.offer('rotate-domain-configuration-keys', async () => {
    await identity.domainConfigurations.rotateKeys();
    return { rotated: true };
  });
  platform.offer('rotate-receipt-keys', async () => {
    await keys.receipts.rotate();
    return { rotated: true };
  });
  platform.offer('rotate-jws-keys', async () => {
    if (!keys.jws) throw new BadRequest('Tokens are not signed here: token_provider is fernet.');
    await keys.jws.rotate();
    return { rotated: true };
  });
  platform.offer('trust-flush', async ({ before }) => ({
    flushed: await identity.trusts.flush(before === undefined ? undefined : timeOf(before)),
  }));
  platform.offer('doctor', () => diagnose({ identity, stateDir }));
  platform.offer('recover-admin', async ({ password = '' }) => {
    if (password.length < 8)
      throw new BadRequest('The password of an administrator has 8 characters at least.');
    return recoverAdmin(identity, password);
  });
}

/** A time, or a day that begins then. @throws BadRequest */
function timeOf(text: string): number {
  try {
    return parseIsoTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text);
  } catch {
    throw new BadRequest(`${text.slice(0, 64)} is no time: write 2030-01-31 or 2030-01-31T12:00:00Z`);
  }
}
