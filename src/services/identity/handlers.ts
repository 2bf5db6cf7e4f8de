import type { Platform } from '../../platform/service/service.ts';
import { bootstrap } from './bootstrap.ts';
import {
  domainConfigurationChanged,
  type IdentityService,
  identityAdmin,
  identityChanged,
  identityService,
} from './contract.ts';
import type { Identity } from './identity.ts';
import { toCredentials } from './tokens/tokens.ts';

/** What other services ask identity over the bus. */
const identityHandlers = ({ tokens, limits, directory }: Identity): IdentityService => ({
  async validateToken({ token }) {
    const found = await tokens.validate(token);
    return found ? toCredentials(found) : null;
  },
  limits: (request) => limits.of(request),
  async project({ id }) {
    const found = await directory.project(id);
    if (!found || found.is_domain) return null;
    const { name, domain_id, parent_id, enabled } = found;
    return { id, name, domainId: domain_id, parentId: parent_id, enabled };
  },
});

/**
 * Answers on the bus, and follows what other processes of identity write.
 * @param self by which this process knows its own notifications
 * @param until what ends with the service
 */
export async function serveBus(
  { bus, host }: Pick<Platform, 'bus' | 'host'>,
  identity: Identity,
  self: string,
  until: AsyncDisposableStack,
): Promise<void> {
  const keep = (listener: { close(): Promise<void> }) => void until.adopt(listener, (each) => each.close());
  keep(
    await bus.subscribe(domainConfigurationChanged, ({ payload }) => {
      const { domainId, from } = payload as { domainId?: unknown; from?: unknown };
      if (from !== self && typeof domainId === 'string')
        identity.domainConfigurations.changedElsewhere(domainId);
    }),
  );
  keep(
    await bus.subscribe(identityChanged, ({ payload }) => {
      if ((payload as { from?: unknown }).from !== self) identity.changes.forget();
    }),
  );
  keep(await bus.serve(identityService, identityHandlers(identity)));
  keep(await bus.serve(identityAdmin, { bootstrap: (args) => bootstrap(identity, args) }, { host }));
}
